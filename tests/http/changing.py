"""What tests of changes of orders send, and what they look at."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.http.asking import read
from tests.http.conformance import ConformingClient

Order = dict[str, Any]


def change(
    client: ConformingClient, order: Order, *lines: object, headers: dict[str, str] | None = None, **members: Any
) -> TestResponse:
    """Change lines of an order."""
    return client.patch(f"/v1/orders/{order['id']}/lines", json={"lines": lines, **members}, headers=headers)


def try_out(
    client: ConformingClient, order: Order, *lines: object, headers: dict[str, str] | None = None
) -> TestResponse:
    """Ask what a change of lines would make of an order."""
    return client.patch(f"/v1/orders/{order['id']}/lines?dry_run=true", json={"lines": lines}, headers=headers)


def update(
    client: ConformingClient, order: Order, headers: dict[str, str] | None = None, **members: Any
) -> TestResponse:
    """Change what else an order says."""
    return client.patch(f"/v1/orders/{order['id']}", json=members, headers=headers)


def of_line(quantity: int, line_no: int = 1) -> dict[str, Any]:
    """Give the quantity that a line is to have."""
    return {"line_no": line_no, "quantity": quantity}


def further(sku: str = "WIDGET", quantity: int = 1, **members: Any) -> dict[str, Any]:
    """Give a further line."""
    return {"sku": sku, "quantity": quantity, **members}


def shown(client: ConformingClient, order: Order) -> Order:
    """Give an order as it is now."""
    return read(client.get(f"/v1/orders/{order['id']}"))


def quantities(order: Order) -> list[tuple[int, str, int]]:
    """Give the lines of an order: number, SKU and quantity of each."""
    return [(line["line_no"], line["sku"], line["quantity"]) for line in order["lines"]]


def events(client: ConformingClient, order: Order) -> list[dict[str, Any]]:
    """Give the history of an order."""
    found: list[dict[str, Any]] = read(client.get(f"/v1/orders/{order['id']}/events"))["items"]
    return found
