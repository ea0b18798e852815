"""Who tries the examples of /docs one after another, on a fresh service, is never refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from werkzeug.test import TestResponse

from oms_core import Oms
from tests.http.asking import read
from tests.http.conformance import ConformingClient
from tests.http.queueing import WAITING

Document = dict[str, Any]


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """List the operations as a page shows them: by tag, then as the document has them."""
    for tag in document["tags"]:
        for path, methods in document["paths"].items():
            yield from ((path, method, found) for method, found in methods.items() if found["tags"] == [tag["name"]])


def bodies(document: Document, operation: Document) -> Iterator[dict[str, Any]]:
    """List the example bodies of an operation, as arguments of a request."""
    if "requestBody" not in operation:
        yield {}
        return
    for media_type, content in operation["requestBody"]["content"].items():
        if media_type != "application/json":
            yield {"data": content["example"], "content_type": media_type}
            continue
        yield from json_bodies(document, operation, content)


def json_bodies(document: Document, operation: Document, content: Document) -> Iterator[dict[str, Any]]:
    """List the example bodies of JSON."""
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    assert schema["examples"], operation["operationId"]
    yield from ({"json": example} for example in schema["examples"])


def linked(operation: Document, response: TestResponse) -> Iterator[tuple[str, Mapping[str, str]]]:
    """List the operations that an answer's links lead to, with the parameters that they take from its body."""
    for link in operation["responses"][str(response.status_code)].get("links", {}).values():
        found = {
            name: read(response)[place.removeprefix("$response.body#/")] for name, place in link["parameters"].items()
        }
        yield link["operationId"], found


def rejected_order(client: ConformingClient, document: Document) -> Mapping[str, str]:
    """Have the example order accepted for more than there is; it stays, rejected."""
    example = dict(document["components"]["schemas"]["OrderRequest"]["examples"][0])
    example["lines"] = [{**line, "quantity": 10**6} for line in example["lines"]]
    response = client.post("/v1/orders", json=example, headers=WAITING)
    assert response.status_code == 409
    return {"id": read(response)["order_id"]}


def held_order(client: ConformingClient, document: Document) -> Mapping[str, str]:
    """Have the example order held."""
    example = document["components"]["schemas"]["OrderRequest"]["examples"][0]
    return {"id": read(client.post("/v1/orders", json={**example, "hold_seconds": 60}))["id"]}


def shipment(client: ConformingClient, document: Document) -> Mapping[str, str]:
    """Have an order of the examples shipped."""
    example = document["components"]["schemas"]["OrderRequest"]["examples"][0]
    order_id = read(client.post("/v1/orders", json=example))["id"]
    shipped = read(client.post(f"/v1/orders/{order_id}/shipments", json={}))
    return {"id": order_id, "shipment_no": str(shipped["shipment_no"])}


def come_back(client: ConformingClient, document: Document) -> Mapping[str, str]:
    """Have an order of the examples come back."""
    order_id = shipment(client, document)["id"]
    made = read(client.post(f"/v1/orders/{order_id}/returns", json={}))
    return {"id": order_id, "return_no": str(made["return_no"])}


def unused_product(client: ConformingClient, _document: Document) -> Mapping[str, str]:
    """Make a product that has no stock."""
    assert client.put("/v1/inventory/SPARE", json={"name": "Spare"}).status_code == 201
    return {"sku": "SPARE"}


# Of what these are for, none of the examples makes one; so the page offers no example of it either.
BEFORE: Mapping[str, Callable[[ConformingClient, Document], Mapping[str, str]]] = {
    "retryOrder": rejected_order,
    "extendHold": held_order,
    **dict.fromkeys(("getShipment", "updateShipment", "cancelShipment"), shipment),
    "createReturn": shipment,
    "getReturn": come_back,
    "deleteProduct": unused_product,
}


def test_every_example_runs_in_the_order_of_the_page(oms: Oms, client: ConformingClient) -> None:
    document = client.get("/openapi.json").get_json()
    oms.start_worker()
    known: dict[str, Mapping[str, str]] = {}
    for path, method, operation in operations(document):
        name = operation["operationId"]
        given = {each["name"]: each["example"] for each in operation.get("parameters", []) if "example" in each}
        if name in BEFORE:
            assert not given, f"{name} offers an example that cannot be tried"
            given = {**BEFORE[name](client, document)}
        else:
            given |= known.get(name, {})
        for body in bodies(document, operation):
            response = client.open(path.format(**given), method=method.upper(), **body)
            assert response.status_code < 300, f"{name} {body}: {response.text}"
            known |= dict(linked(operation, response))


def test_the_first_thing_to_try_is_stock(client: ConformingClient) -> None:
    _, _, first = next(operations(client.get("/openapi.json").get_json()))
    assert first["operationId"] == "setStock"


def test_what_creates_something_links_to_every_operation_on_it(client: ConformingClient) -> None:
    document = client.get("/openapi.json").get_json()
    for creator, parameter in (("placeOrder", "id"), ("setStock", "sku"), ("createKey", "name")):
        (operation,) = (found for _, _, found in operations(document) if found["operationId"] == creator)
        takers = {found["operationId"] for path, _, found in operations(document) if f"{{{parameter}}}" in path}
        assert operation["responses"]["201"]["links"].keys() == takers
