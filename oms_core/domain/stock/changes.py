"""The decision on a change of one product's stock: what a set, an adjustment or a receipt writes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from oms_core.domain.commands import UNSET, AdjustStock, DeleteProduct, ReceiveStock, SetStock, Unset
from oms_core.domain.events import NewEvent, StockChange, stock_events
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.statuses import OPEN, OrderStatus
from oms_core.domain.preconditions import NOTHING_ASKED, Precondition
from oms_core.domain.stock.products import MovementKind, NewMovement, Product, StockLevel
from oms_core.domain.stock.transfers import TransferStock
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError

_TRANSFERS = UUID("6f2c1d0a-8a3e-5b57-9d0e-1f6f5a0f7c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChange:
    """What a change writes: a product to create or whose fields to set, a level to ensure, and ledger rows.

    `location` names the level that must exist afterwards (None: no level changes); `kept_back` is its safety stock
    then. There are no movements where the counts stay as they are.
    """

    name: str | None = None
    low_stock_threshold: int | Unset | None = UNSET
    location: str | None = None
    kept_back: int | Unset = UNSET
    movements: tuple[NewMovement, ...] = ()


def decide_set(product: Product | None, command: SetStock, location: str) -> ProductChange | None:
    """Decide a set; None when nothing would change.

    Raise `version_mismatch`, `stock_count_mismatch` or `stock_below_reserved`.
    """
    level = _level(product, location)
    _check_revision(product, command.precondition, is_done=_is_done(product, level, command))
    on_hand = level.on_hand if level else 0
    if command.expected_on_hand is not None and command.expected_on_hand != on_hand:
        raise OmsError(
            "stock_count_mismatch",
            f"{command.sku} {location}: on hand is {on_hand}, not {command.expected_on_hand}",
            data={"on_hand": on_hand, "expected_on_hand": command.expected_on_hand},
        )
    movements: tuple[NewMovement, ...] = ()
    if command.on_hand is not None and command.on_hand != on_hand:
        _check_reserved(command.sku, location, level, command.on_hand)
        counted = NewMovement(
            sku=command.sku,
            location=location,
            kind=MovementKind.COUNT,
            on_hand_delta=command.on_hand - on_hand,
            reserved_delta=0,
            reason=command.reason,
            reference=command.reference,
        )
        movements = (counted,)
    kept_at = location if command.kept_back not in {None, level.kept_back if level else 0} else None
    change = ProductChange(
        name=command.name if product is None or command.name != product.name else None,
        low_stock_threshold=_changed_threshold(product, command),
        location=location if command.on_hand is not None and (level is None or movements) else kept_at,
        kept_back=UNSET if kept_at is None or command.kept_back is None else command.kept_back,
        movements=movements,
    )
    return change if product is None or change != ProductChange() else None


def decide_adjust(product: Product | None, command: AdjustStock, location: str) -> ProductChange:
    """Decide an adjustment.

    Raise `sku_not_found`, `version_mismatch`, `stock_below_reserved`, or `validation_error` above 10^12.
    """
    return _moved(
        product,
        NewMovement(
            sku=command.sku,
            location=location,
            kind=MovementKind.ADJUST,
            on_hand_delta=command.delta,
            reserved_delta=0,
            reason=command.reason,
            reference=command.reference,
        ),
        pointer="/delta",
        precondition=command.precondition,
    )


def decide_receive(product: Product | None, command: ReceiveStock, location: str) -> ProductChange:
    """Decide a receipt. Raise `sku_not_found`, or `validation_error` above 10^12."""
    return _moved(
        product,
        NewMovement(
            sku=command.sku,
            location=location,
            kind=MovementKind.RECEIVE,
            on_hand_delta=command.quantity,
            reserved_delta=0,
            reason=command.reason,
            reference=command.reference,
        ),
        pointer="/quantity",
    )


def decide_transfer(product: Product | None, command: TransferStock, act_id: UUID) -> ProductChange:
    """Decide to move units that nobody has reserved from one location to another.

    Raise `sku_not_found`, `version_mismatch`, `stock_below_reserved`, or `validation_error` above 10^12 and for a
    location where there never were any.
    """
    if product is None:
        raise sku_not_found(command.sku)
    _check_revision(product, command.precondition, is_done=False)
    left, there = _level(product, command.from_location), _level(product, command.to_location)
    if left is None:
        raise one_finding("/from", "unknown_location", f"{command.sku} has never been at {command.from_location}")
    _check_reserved(command.sku, command.from_location, left, left.on_hand - command.quantity)
    arrived = (there.on_hand if there else 0) + command.quantity
    if arrived > COUNT_MAX:
        detail = count_too_large(command.sku, command.to_location, arrived)
        raise one_finding("/quantity", "out_of_range", detail)
    rows = tuple(
        NewMovement(
            sku=command.sku,
            location=location,
            kind=MovementKind.TRANSFER,
            on_hand_delta=units,
            reserved_delta=0,
            reason=command.reason,
            reference=command.reference,
            act_id=act_id,
        )
        for location, units in (
            (command.from_location, -command.quantity),
            (command.to_location, command.quantity),
        )
    )
    return ProductChange(location=command.to_location, movements=rows)


def transfer_id(key: IdempotencyKey) -> UUID:
    """Return the id of the transfer under a key: the same whenever it is decided again."""
    return uuid5(_TRANSFERS, f"{key.actor}\n{key.key}")


def check_deletion(product: Product, is_used: bool, command: DeleteProduct) -> None:
    """Raise unless a product may be deleted. It `is_used` if the ledger has a row of it, or an order names it.

    Raise `version_mismatch` or `product_in_use`.
    """
    _check_revision(product, command.precondition, is_done=False)
    if is_used:
        raise OmsError("product_in_use", f"{product.sku} has moved, or an order names it; it can be set to 0 instead")


def events_between(before: Product | None, after: Product) -> list[NewEvent]:
    """Return the stock events of a change of a product. The first stock of a new product has none."""
    if before is None:
        return []
    return stock_events(
        [
            StockChange(
                sku=after.sku,
                threshold_before=before.low_stock_threshold,
                low_stock_threshold=after.low_stock_threshold,
                available_before=before.available,
                available_after=after.available,
            )
        ]
    )


def sku_not_found(sku: str) -> OmsError:
    """Return the error for a SKU that no product has."""
    return OmsError("sku_not_found", f"no product has the SKU {sku}")


def stock_below_reserved(sku: str, location: str, on_hand: int, reserved: int) -> OmsError:
    """Return the error for a count that would fall below what open orders hold, or below 0 where they hold nothing."""
    statuses = ",".join(status for status in OrderStatus if status in OPEN)
    below = f"{reserved} are reserved; `oms orders list --sku {sku} --status {statuses}` lists who holds them"
    detail = f"{sku} {location}: on hand would be {on_hand}, but {below if reserved else 'it cannot be below 0'}"
    return OmsError("stock_below_reserved", detail, data={"on_hand": on_hand, "reserved": reserved})


def count_too_large(sku: str, location: str, on_hand: int) -> str:
    """Return the detail of the error for a count that would be above its bound."""
    return f"{sku} {location}: the count would be {on_hand}, above {COUNT_MAX}"


def _moved(
    product: Product | None, movement: NewMovement, *, pointer: str, precondition: Precondition = NOTHING_ASKED
) -> ProductChange:
    if product is None:
        raise sku_not_found(movement.sku)
    _check_revision(product, precondition, is_done=False)
    level = _level(product, movement.location)
    on_hand = (level.on_hand if level else 0) + movement.on_hand_delta
    if on_hand > COUNT_MAX:
        raise one_finding(pointer, "out_of_range", count_too_large(movement.sku, movement.location, on_hand))
    _check_reserved(movement.sku, movement.location, level, on_hand)
    return ProductChange(location=movement.location, movements=(movement,))


def _check_revision(product: Product | None, precondition: Precondition, *, is_done: bool) -> None:
    precondition.check(None if product is None else product.revision, is_done=is_done)


def _is_done(product: Product | None, level: StockLevel | None, command: SetStock) -> bool:
    """Return whether the product already has the values of the command."""
    return (
        product is not None
        and command.name in (None, product.name)
        and command.low_stock_threshold in (UNSET, product.low_stock_threshold)
        and (command.on_hand is None or (level is not None and level.on_hand == command.on_hand))
        and (command.kept_back is None or (level.kept_back if level else 0) == command.kept_back)
    )


def _check_reserved(sku: str, location: str, level: StockLevel | None, on_hand: int) -> None:
    reserved = level.reserved if level else 0
    if on_hand < reserved:
        raise stock_below_reserved(sku, location, on_hand, reserved)


def _changed_threshold(product: Product | None, command: SetStock) -> int | Unset | None:
    if command.low_stock_threshold is UNSET:
        return UNSET
    known = product.low_stock_threshold if product else None
    return UNSET if command.low_stock_threshold == known else command.low_stock_threshold


def _level(product: Product | None, location: str) -> StockLevel | None:
    return product.level(location) if product else None
