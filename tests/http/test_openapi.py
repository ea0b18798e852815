"""The OpenAPI document: valid, complete, and made of the same registry as the routes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

from oms_core import Oms, Settings
from oms_core.domain.characters import identifier_fault, prose_fault
from oms_core.errors import ERROR_CODES
from oms_http.app import create_app
from oms_http.problems import STATUS_BY_CODE
from oms_http.server.early_refusals import (
    BODY_CUT,
    FAILED,
    NO_ROOM,
    OVERLOADED,
    TIMED_OUT,
    Refusal,
    too_large,
    unreadable_headers,
)
from oms_http.settings import HttpSettings
from tests.http.asking import refused
from tests.http.conformance import ConformingClient, check
from tests.http.conftest import client_of

# What HTTP never answers: a wrong setting stops the start.
NEVER_ANSWERED = {"invalid_setting"}
NOT_OF_THE_API = {"getDocsIndex", "getDocsAsset"}


@pytest.fixture
def document(client: ConformingClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def schemas_with_examples(node: object) -> Iterator[tuple[dict[str, Any], object]]:
    """List every schema that has examples, wherever it stands, with each of them."""
    if isinstance(node, dict):
        if "$ref" not in node and isinstance(node.get("examples"), list):
            yield from ((node, example) for example in node["examples"])
        for value in node.values():
            yield from schemas_with_examples(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas_with_examples(value)


def test_the_document_describes_exactly_the_routes(app: Flask, document: dict[str, Any]) -> None:
    described = {(path, method, operation["operationId"]) for path, method, operation in operations(document)}
    routed = {
        (rule.rule.replace("<", "{").replace(">", "}"), method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint not in NOT_OF_THE_API
    }
    assert described == routed
    assert len({operation_id for _, _, operation_id in described}) == len(described)


ROUTES = {
    ("/v1/orders", "POST"),
    ("/v1/orders/batch", "POST"),
    ("/v1/orders", "GET"),
    ("/v1/orders/export", "GET"),
    ("/v1/orders/status", "POST"),
    ("/v1/orders/import", "POST"),
    ("/v1/inventory/export", "GET"),
    ("/v1/orders/{id}", "GET"),
    ("/v1/orders/{id}", "PATCH"),
    ("/v1/orders/{id}/lines", "PATCH"),
    ("/v1/orders/{id}/events", "GET"),
    ("/v1/orders/{id}/status", "PUT"),
    ("/v1/orders/{id}/confirm", "POST"),
    ("/v1/orders/{id}/extend", "POST"),
    ("/v1/orders/{id}/shipments", "POST"),
    ("/v1/orders/{id}/shipments", "GET"),
    ("/v1/orders/{id}/shipments/{shipment_no}", "GET"),
    ("/v1/orders/{id}/shipments/{shipment_no}", "PUT"),
    ("/v1/orders/{id}/shipments/{shipment_no}/cancel", "POST"),
    ("/v1/orders/{id}/returns", "POST"),
    ("/v1/orders/{id}/returns", "GET"),
    ("/v1/orders/{id}/returns/{return_no}", "GET"),
    ("/v1/orders/{id}/retry", "POST"),
    ("/v1/orders/retry", "POST"),
    ("/v1/queue", "GET"),
    ("/v1/queue/dead", "GET"),
    ("/v1/queue/dead/replay", "POST"),
    ("/v1/queue/dead/discard", "POST"),
    ("/v1/inventory", "GET"),
    ("/v1/inventory/{sku}", "GET"),
    ("/v1/inventory/{sku}/movements", "GET"),
    ("/v1/inventory/{sku}", "PUT"),
    ("/v1/inventory/{sku}", "DELETE"),
    ("/v1/inventory/{sku}/adjustments", "POST"),
    ("/v1/inventory/{sku}/receipts", "POST"),
    ("/v1/inventory/{sku}/transfers", "POST"),
    ("/v1/inventory/import", "POST"),
    ("/v1/locations", "GET"),
    ("/v1/locations/{location}", "GET"),
    ("/v1/locations/{location}", "PUT"),
    ("/v1/keys", "POST"),
    ("/v1/keys", "GET"),
    ("/v1/keys/{name}", "GET"),
    ("/v1/keys/{name}/rotate", "POST"),
    ("/v1/keys/{name}", "DELETE"),
    ("/", "GET"),
    ("/problems", "GET"),
    ("/healthz", "GET"),
    ("/readyz", "GET"),
    ("/metrics", "GET"),
    ("/openapi.json", "GET"),
    ("/docs", "GET"),
    ("/problems/{code}", "GET"),
}


def test_every_route_of_the_design_is_there(document: dict[str, Any]) -> None:
    assert {(path, method) for path, method, _ in operations(document)} == ROUTES


def test_every_code_that_http_answers_is_documented_with_its_status(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    problems = {
        schema["properties"]["code"]["const"]: schema["properties"]["status"]["const"]
        for name, schema in schemas.items()
        if name.endswith("Problem")
    }
    assert problems == {code: STATUS_BY_CODE[code] for code in ERROR_CODES.keys() - NEVER_ANSWERED}


def test_every_problem_stands_alone_so_that_generated_clients_know_it_whole(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Problem"):
            assert schema["type"] == "object"
            assert not {"allOf", "anyOf", "oneOf", "if"} & schema.keys(), name
            assert schema["properties"].keys() >= {"type", "title", "status", "detail", "code", "request_id", "retry"}


def test_no_header_of_a_request_is_a_constant_which_generators_of_clients_refuse(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["in"] != "header" or "const" not in parameter["schema"], (path, method, parameter["name"])


def test_every_schema_is_used(document: dict[str, Any]) -> None:
    used = {reference.rpartition("/")[2] for reference in references(document)}
    # Every answer to an unlisted path is described in the components' responses.
    assert document["components"]["schemas"].keys() - used == set()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        assert reference.startswith("#/components/schemas/")
        assert reference.rpartition("/")[2] in document["components"]["schemas"]


def test_every_schema_is_json_schema(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"})


def test_every_example_is_valid(document: dict[str, Any]) -> None:
    found = list(schemas_with_examples(document))
    assert len(found) > 40
    for schema, example in found:
        check(schema, example)


@pytest.mark.parametrize(("name", "fault"), [("Reference", identifier_fault), ("Reason", prose_fault)])
def test_the_published_pattern_refuses_the_characters_that_the_core_refuses(
    document: dict[str, Any], name: str, fault: Callable[[str], str | None]
) -> None:
    pattern = {"type": "string", "pattern": document["components"]["schemas"][name]["pattern"]}
    validator = jsonschema_rs.Draft202012Validator(pattern)
    for number in (*range(0xD800), *range(0xE000, 0x110000)):
        character = chr(number)
        # A character that this Python's Unicode does not know yet may be refused by a later one.
        if unicodedata.category(character) != "Cn":
            assert validator.is_valid(f"A{character}B") is (fault(f"A{character}B") is None), hex(number)


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert set(operation["tags"]) <= tags
        assert {"200", "201", "204"} & operation["responses"].keys()
        assert {"422", "500", "503"} <= operation["responses"].keys()
        assert set(re.findall(r"{(\w+)}", path)) == {
            parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"
        }
        if method in {"POST", "PUT", "PATCH"}:
            assert operation["requestBody"]["required"]
            assert {"400", "408", "413", "415"} <= operation["responses"].keys()
        for response in operation["responses"].values():
            assert response["description"]
            assert "X-Request-ID" in response["headers"]


def test_what_is_guarded_asks_for_a_key_and_names_its_scopes(document: dict[str, Any]) -> None:
    (scheme,) = document["components"]["securitySchemes"]
    assert document["components"]["securitySchemes"][scheme].items() >= {("type", "http"), ("scheme", "bearer")}
    for path, _, operation in operations(document):
        if not path.startswith("/v1/"):
            assert "security" not in operation
            continue
        assert {"401", "403"} <= operation["responses"].keys()
        assert "WWW-Authenticate" in operation["responses"]["401"]["headers"]
        for alternative in operation["security"]:
            (scopes,) = alternative.values()
            assert alternative.keys() == {scheme}
            assert scopes
            assert all(f"`{scope}`" in operation["description"] for scope in scopes)


def test_the_document_has_the_shape_of_openapi(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d", document["openapi"])
    assert document["info"].keys() >= {"title", "version"}
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["in"] in {"path", "query", "header"}
            assert parameter["description"]
            assert "schema" in parameter
            assert parameter["in"] != "path" or parameter["required"]
        for response in operation["responses"].values():
            assert response.keys() <= {"description", "headers", "content", "links"}


@pytest.mark.parametrize(
    "refusal",
    [OVERLOADED, NO_ROOM, TIMED_OUT, BODY_CUT, FAILED, too_large(1_048_576), unreadable_headers({"x-name"})],
    ids=lambda refusal: f"{refusal.code} {refusal.detail[:24]}",
)
def test_what_the_server_refuses_itself_is_documented(document: dict[str, Any], refusal: Refusal) -> None:
    documented = document["paths"]["/v1/orders"]["post"]["responses"][str(refusal.status)]
    check(documented["content"]["application/problem+json"]["schema"], json.loads(refusal.body("R1")))
    sent = {name.title().replace("-Id", "-ID"): value for name, value in refusal.headers("R1")}
    # The bridge adds Retry-After, which may change while the server runs.
    assert {name for name, header in documented["headers"].items() if header["required"]} <= sent.keys() | {
        "Retry-After"
    }


def test_metrics_with_an_address_of_their_own_are_not_here() -> None:
    with Oms.open(Settings(database_url="memory://")) as oms:
        app = create_app(oms, settings=HttpSettings(metrics_address="127.0.0.1:9000"))
        app.test_client_class = ConformingClient
        client = client_of(app)
        refused(client.get("/metrics"), 404, "route_not_found")
        assert "/metrics" not in client.get("/openapi.json").get_json()["paths"]
