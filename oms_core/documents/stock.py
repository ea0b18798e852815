"""Stock as JSON documents."""

from __future__ import annotations

from oms_core.documents.orders import show_time
from oms_core.domain.stock.products import Movement, Product


def show_product(product: Product) -> dict[str, object]:
    """Show a product and its levels as the service's JSON."""
    return {
        "sku": product.sku,
        "name": product.name,
        "on_hand": product.on_hand,
        "reserved": product.reserved,
        "available": product.available,
        "unsellable": product.unsellable,
        "locations": [
            {
                "location": level.location,
                "on_hand": level.on_hand,
                "reserved": level.reserved,
                "available": level.available,
                "kept_back": level.kept_back,
            }
            for level in product.levels
        ],
        "low_stock_threshold": product.low_stock_threshold,
        "version": product.version,
        "updated_at": show_time(product.updated_at),
    }


def show_movement(entry: Movement) -> dict[str, object]:
    """Show a ledger row as the service's JSON."""
    movement = entry.movement
    return {
        "id": entry.id,
        "sku": movement.sku,
        "location": movement.location,
        "kind": movement.kind.value,
        "on_hand_delta": movement.on_hand_delta,
        "reserved_delta": movement.reserved_delta,
        "order_id": None if movement.order_id is None else str(movement.order_id),
        "line_no": movement.line_no,
        "act_id": None if movement.act_id is None else str(movement.act_id),
        "reason": movement.reason,
        "reference": movement.reference,
        "actor": entry.actor,
        "created_at": show_time(entry.created_at),
    }
