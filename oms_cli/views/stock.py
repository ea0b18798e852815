"""How products, changes of stock and the ledger are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from oms_cli.terminal.view import Column, View
from oms_core.documents.stock import show_movement, show_product
from oms_core.domain.stock.products import Movement, Product, StockLevel

if TYPE_CHECKING:
    from oms_core import StockChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShown:
    """One level of one product, or (`location` None) a product that has none yet."""

    product: Product
    location: str | None
    level: StockLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeShown:
    """What a change of stock did to one level."""

    changed: StockChanged
    location: str


def show_change(change: ChangeShown) -> dict[str, object]:
    """Show a change as JSON: the level's figures, and the product as it now is."""
    level = _level(change.changed.product, change.location)
    return {
        "sku": change.changed.product.sku,
        "location": change.location,
        "created": change.changed.before is None,
        "replayed": change.changed.replayed,
        "on_hand_before": _level(change.changed.before, change.location).on_hand,
        "on_hand": level.on_hand,
        "reserved": level.reserved,
        "available": level.available,
        "product": show_product(change.changed.product),
    }


def _level(product: Product | None, location: str) -> StockLevel:
    level = product.level(location) if product else None
    return level or StockLevel(location=location, on_hand=0, reserved=0, version=0)


def _urgency(product: Product) -> str:
    if product.available == 0:
        return "red"
    low = product.low_stock_threshold
    return "yellow" if low is not None and product.available <= low else ""


def _word(value: bool) -> str:
    return "true" if value else "false"


PRODUCTS: View[Product] = View(
    columns=(
        Column(name="sku", value=lambda product: product.sku, whole=True),
        Column(name="name", value=lambda product: product.name, prose=True),
        Column(name="on_hand", value=lambda product: product.on_hand, right=True),
        Column(name="reserved", value=lambda product: product.reserved, right=True),
        Column(name="available", value=lambda product: product.available, right=True, style=_urgency),
        Column(name="low_stock_threshold", value=lambda product: product.low_stock_threshold, in_table=False),
        Column(
            name="unsellable",
            value=lambda product: product.unsellable,
            table_value=lambda product: product.unsellable or None,
            right=True,
            spare=True,
        ),
        Column(name="updated_at", value=lambda product: product.updated_at, spare=True),
        Column(name="locations", value=lambda product: len(product.levels), right=True, spare=True),
    ),
    document=show_product,
    nothing="no products",
)

LOW_STOCK: View[Product] = replace(
    PRODUCTS,
    columns=tuple(
        replace(column, in_table=True, right=True) if column.name == "low_stock_threshold" else column
        for column in PRODUCTS.columns
    ),
)

LEVELS: View[LevelShown] = View(
    columns=(
        Column(name="sku", value=lambda level: level.product.sku, in_table=False),
        Column(name="location", value=lambda level: level.location),
        Column(name="on_hand", value=lambda shown: shown.level.on_hand, right=True),
        Column(name="reserved", value=lambda shown: shown.level.reserved, right=True),
        Column(name="available", value=lambda shown: shown.level.available, right=True),
        Column(name="kept_back", value=lambda shown: shown.level.kept_back, right=True, spare=True),
    ),
    document=lambda level: show_product(level.product),
)

MOVEMENTS: View[Movement] = View(
    columns=(
        Column(name="id", value=lambda entry: entry.id, right=True),
        Column(name="created_at", value=lambda entry: entry.created_at),
        Column(name="sku", value=lambda entry: entry.movement.sku, in_table=False),
        Column(name="location", value=lambda entry: entry.movement.location),
        Column(name="kind", value=lambda entry: entry.movement.kind.value, whole=True),
        Column(name="on_hand_delta", value=lambda entry: entry.movement.on_hand_delta, right=True),
        Column(name="reserved_delta", value=lambda entry: entry.movement.reserved_delta, right=True),
        Column(name="actor", value=lambda entry: entry.actor),
        Column(name="reason", value=lambda entry: entry.movement.reason, prose=True, spare=True),
        Column(name="order_id", value=lambda entry: entry.movement.order_id, whole=True, spare=True, is_id=True),
        Column(name="line_no", value=lambda entry: entry.movement.line_no, in_table=False),
        Column(name="act_id", value=lambda entry: entry.movement.act_id, in_table=False),
        Column(name="reference", value=lambda entry: entry.movement.reference, spare=True),
    ),
    document=show_movement,
    nothing="no movements",
)

CHANGE: View[ChangeShown] = View(
    columns=(
        Column(name="sku", value=lambda change: change.changed.product.sku),
        Column(name="location", value=lambda change: change.location),
        Column(name="created", value=lambda change: _word(change.changed.before is None)),
        Column(name="replayed", value=lambda change: _word(change.changed.replayed)),
        Column(name="on_hand_before", value=lambda change: _level(change.changed.before, change.location).on_hand),
        Column(name="on_hand", value=lambda change: _level(change.changed.product, change.location).on_hand),
        Column(name="reserved", value=lambda change: _level(change.changed.product, change.location).reserved),
        Column(name="available", value=lambda change: _level(change.changed.product, change.location).available),
    ),
    document=show_change,
)


def levels_shown(product: Product) -> list[LevelShown]:
    """Return a row for each level, or one of zeros for a product without levels."""
    if not product.levels:
        return [LevelShown(product=product, location=None, level=_level(product, ""))]
    return [LevelShown(product=product, location=level.location, level=level) for level in product.levels]


def change_sentence(change: ChangeShown) -> str:
    """Say what a change did: `WIDGET main: on_hand 10 -> 25, reserved 4, available 21`."""
    before, product = change.changed.before, change.changed.product
    level, was = _level(product, change.location), _level(before, change.location)
    same = level.on_hand == was.on_hand
    counted = f"on_hand {level.on_hand}" if same else f"on_hand {was.on_hand} -> {level.on_hand}"
    said = [counted, f"reserved {level.reserved}", f"available {level.available}"]
    if level.kept_back != was.kept_back:
        said.append(f"kept back {level.kept_back}")
    said += _fields_changed(before, product)
    if before is None:
        said.append("created")
    elif before.level(change.location) is None and product.level(change.location) is not None:
        said.append("new location")
    elif change.changed.replayed:
        said.append("done before with this key")
    elif before == product:
        said.append("unchanged")
    return f"{product.sku} {change.location}: {', '.join(said)}"


def _fields_changed(before: Product | None, product: Product) -> list[str]:
    said = []
    if product.name != (before.name if before else ""):
        said.append(f'name "{product.name}"')
    if product.low_stock_threshold != (before.low_stock_threshold if before else None):
        threshold = "none" if product.low_stock_threshold is None else product.low_stock_threshold
        said.append(f"low stock {threshold}")
    return said
