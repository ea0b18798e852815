"""Requests that many tests send, and what they read out of the answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from werkzeug.test import EnvironBuilder, TestResponse

from tests.http.conformance import ConformingClient


def order(sku: str = "WIDGET", quantity: int = 1, **members: Any) -> dict[str, Any]:
    """A document for POST /v1/orders."""
    return {"customer_id": "C1", "lines": [{"sku": sku, "quantity": quantity}], **members}


def stock(client: ConformingClient, sku: str = "WIDGET", on_hand: int = 10, **members: Any) -> dict[str, Any]:
    """Set a product's count; give the product."""
    response = client.put(f"/v1/inventory/{quote(sku, safe='')}", json={"on_hand": on_hand, **members})
    assert response.status_code in {200, 201}
    return read(response)


def place(client: ConformingClient, sku: str = "WIDGET", quantity: int = 1, **members: Any) -> dict[str, Any]:
    """Place an order; give it."""
    response = client.post("/v1/orders", json=order(sku, quantity, **members))
    assert response.status_code == 201
    return read(response)


def figures(client: ConformingClient, sku: str = "WIDGET") -> tuple[int, int, int]:
    """Give a product's on_hand, reserved and available."""
    product = read(client.get(f"/v1/inventory/{quote(sku, safe='')}"))
    return product["on_hand"], product["reserved"], product["available"]


def read(response: TestResponse) -> dict[str, Any]:
    """Give the JSON object of an answer."""
    document = response.get_json()
    assert isinstance(document, dict)
    return document


def refused(response: TestResponse, status: int, code: str, *pointers: str) -> dict[str, Any]:
    """Assert that the answer is this problem, with findings at these pointers first; give it."""
    document = read(response)
    assert (response.status_code, document["code"]) == (status, code), document
    assert response.mimetype == "application/problem+json"
    assert document["request_id"] == response.headers["X-Request-ID"]
    assert [found["pointer"] for found in document.get("errors", [])][: len(pointers)] == list(pointers)
    return document


def ask_by_head(
    client: ConformingClient, path: str, method: str = "POST", headers: dict[str, str] | None = None
) -> tuple[str, Any]:
    """Ask as the server does before it receives a large body; give the status, and what invites the body."""
    given = {"oms.head_only": True, "REMOTE_ADDR": "127.0.0.1"}
    environ = EnvironBuilder(path=path, method=method, headers=headers, environ_overrides=given).get_environ()
    statuses: list[str] = []
    client.application(environ, lambda status, *_: statuses.append(status[:3])).close()
    return statuses[0], environ.get("oms.welcome")
