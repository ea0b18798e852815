"""A shop's program over a client that is made from /openapi.json: what mypy must know, and what it must refuse."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from oms_client import AuthenticatedClient
from oms_client.api.inventory import set_stock
from oms_client.api.orders import list_orders, place_order
from oms_client.models import (
    InsufficientInventoryProblem,
    Order,
    OrderLineRequest,
    OrderPage,
    OrderRequest,
    OrderStatus,
    Product,
    RateLimitedProblem,
    StockRequest,
)


def stock(client: AuthenticatedClient, sku: str, on_hand: int) -> int:
    """Set a count; return what is available then."""
    product = set_stock.sync(sku, client=client, body=StockRequest(on_hand=on_hand, name="Widget"))
    assert isinstance(product, Product)
    if TYPE_CHECKING:
        product.on_hands  # type: ignore[attr-defined]  # noqa: B018  A product has no such member.
    return product.available


def order(client: AuthenticatedClient, sku: str, quantity: int) -> str:
    """Place an order; say what became of it."""
    line = OrderLineRequest(sku=sku, quantity=quantity, unit_price="12.50")
    answer = place_order.sync(
        client=client, body=OrderRequest(customer_id="C1", lines=[line]), idempotency_key=f"cart-{quantity}"
    )
    if isinstance(answer, Order):
        return f"{answer.status} {answer.total}"
    if isinstance(answer, InsufficientInventoryProblem):
        return ",".join(f"{short.requested} of {short.available} {short.sku}" for short in answer.shortages or [])
    if isinstance(answer, RateLimitedProblem):
        return f"{answer.policy} allows {answer.limit} in {answer.window_seconds} s"
    return answer.code if answer else "no answer"


def pending(client: AuthenticatedClient) -> int:
    """Return how many orders are pending."""
    page = list_orders.sync(client=client, status=[OrderStatus.PENDING], limit=10)
    assert isinstance(page, OrderPage)
    return len(page.items)


if __name__ == "__main__":
    _, base_url, key = sys.argv
    with AuthenticatedClient(base_url=base_url, token=key) as client:
        print(stock(client, "WIDGET", 25))
        print(order(client, "WIDGET", 2))
        print(order(client, "WIDGET", 500))
        print(pending(client))
