"""What tests of returns send: orders that have left, and what comes back of them."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.http.asking import read
from tests.http.conformance import ConformingClient

Order = dict[str, Any]


def path(order: Order, return_no: int | None = None) -> str:
    """Give the path of an order's returns, or of one of them."""
    returns = f"/v1/orders/{order['id']}/returns"
    return returns if return_no is None else f"{returns}/{return_no}"


def ship(client: ConformingClient, order: Order, **body: Any) -> TestResponse:
    """Ship units of an order: all of them, where nothing is said."""
    return client.post(f"/v1/orders/{order['id']}/shipments", json=body)


def give_back(
    client: ConformingClient, order: Order, headers: dict[str, str] | None = None, **body: Any
) -> TestResponse:
    """Have units of an order come back: all that are out, where nothing is said."""
    return client.post(path(order), json=body, headers=headers)


def of_line(quantity: int = 1, line_no: int = 1, **members: Any) -> list[dict[str, Any]]:
    """Give the lines of a return of so many units of one line."""
    return [{"line_no": line_no, "quantity": quantity, **members}]


def told(client: ConformingClient, order: Order) -> list[str]:
    """Give the types of the order's events."""
    return [event["type"] for event in read(client.get(f"/v1/orders/{order['id']}/events"))["items"]]
