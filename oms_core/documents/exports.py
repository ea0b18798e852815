"""Exports: what a file of stock or of orders says, by row and by document, for every driver."""

from __future__ import annotations

import json
from collections.abc import Iterator

from oms_core.documents.location_cells import locations_cell
from oms_core.documents.orders import show_order, show_time
from oms_core.domain.orders.order import Order
from oms_core.domain.stock.products import Product

STOCK_EXPORT_COLUMNS = ("sku", "quantity", "location", "name")
ORDER_EXPORT_COLUMNS = (
    *("order_id", "status", "created_at", "updated_at", "version", "customer_id", "reference", "currency", "total"),
    *(
        "failure",
        "metadata",
        "hold_seconds",
        "hold_until",
        "payment_reference",
        "locations",
        "line_no",
        "sku",
        "quantity",
        "unit_price",
    ),
)

Cells = tuple[object, ...]


def stock_export_rows(product: Product) -> Iterator[Cells]:
    """Return a row for each location of a product, as an import of counts reads it; none where it was never counted."""
    for level in product.levels:
        yield product.sku, level.on_hand, level.location, product.name


def order_export_rows(order: Order) -> Iterator[Cells]:
    """Return a row for each line of an order that has units; what is the order's stands in each.

    The names are those of an import of orders where the meaning is. None is an empty cell. A line that was removed is
    left out, since an import takes no quantity of 0; an order never has only such lines.
    """
    shown = show_order(order)
    metadata = json.dumps(dict(order.metadata), ensure_ascii=False, separators=(",", ":")) if order.metadata else None
    of_order = (
        *(shown["id"], shown["status"], show_time(order.created_at), show_time(order.updated_at), order.version),
        *(order.customer_id, order.reference, order.currency, shown["total"]),
        *(None if order.failure is None else order.failure.code, metadata),
        *(order.hold_seconds, shown["hold_until"], order.payment_reference),
        None if order.locations is None else locations_cell(order.locations),
    )
    lines: list[dict[str, object]] = shown["lines"]  # type: ignore[assignment]
    for line in (line for line in lines if line["quantity"]):
        yield *of_order, line["line_no"], line["sku"], line["quantity"], line["unit_price"]
