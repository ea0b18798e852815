"""The decision on other quantities and further lines of an order: what is reserved besides, and what is released."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.change_commands import ChangeOrderLines
from oms_core.domain.commands import OrderLine, check_prices
from oms_core.domain.currencies import decimals_of
from oms_core.domain.events import EventType, NewEvent
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.money import format_money
from oms_core.domain.orders.following import following
from oms_core.domain.orders.new_orders import order_total, reservation
from oms_core.domain.orders.order import Order, PlacedLine
from oms_core.domain.orders.order_changes import OrderChange, check_version, invalid_transition, order_movement
from oms_core.domain.orders.placement import PlacementView, Refuse, Reserve, decide_placement, unknown_skus
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.statuses import CHANGEABLE, OrderStatus, allowed_moves
from oms_core.domain.stock.products import MovementKind, NewMovement, Product
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError

# Whoever may place orders may change them so long as nobody has begun with them.
_UNTOUCHED = frozenset({OrderStatus.QUEUED, OrderStatus.HELD, OrderStatus.PENDING})


def decide_line_changes(
    order: Order, standing: Standing, command: ChangeOrderLines, caller: Caller, location_priority: Sequence[str]
) -> OrderChange | None:
    """Decide to change lines, all or nothing; None where they are so already.

    What is reserved and released is taken from what the order holds, not from the quantities that it had. More is
    reserved as if it were ordered anew; less is released from the last locations first.

    Raise `version_mismatch`, `invalid_transition`, `forbidden`, `below_shipped`, `empty_order`, `unknown_sku`,
    `insufficient_inventory`, `total_too_large`, or `validation_error` for a line that the order does not have, for
    more than 2,000 lines, and for a price with decimals in a currency that has none.
    """
    check_version(order, command.if_version)
    if order.status not in CHANGEABLE:
        raise invalid_transition(order, "cannot be changed", allowed_moves(order.status, caller))
    _check_right(order, command, caller)
    changed = _changed_lines(order, command)
    if not changed:
        return None
    after = {line.line_no: line for line in (*order.lines, *changed)}
    live = [line for line in after.values() if line.quantity]
    if not live:
        raise OmsError("empty_order", "no line would have a unit left; cancel the order instead")
    _check_known(command, changed, standing.products)
    total = order_total([_ordered(line) for line in live])
    movements: tuple[NewMovement, ...] = ()
    if order.status is not OrderStatus.QUEUED:
        movements = _Rebooking(order, standing, location_priority, command.reason).movements(changed)
    event = _event(order, changed, total, command.reason)
    if order.status is OrderStatus.PARTLY_SHIPPED:
        change = following(order, standing, movements=movements, events=[event], reason=command.reason)
    else:
        change = OrderChange(status=order.status, movements=movements, events=(event,))
    return replace(change, lines=changed, total=total)


def _check_right(order: Order, command: ChangeOrderLines, caller: Caller) -> None:
    is_priced = any(line.unit_price is not None for line in command.lines)
    if order.status in _UNTOUCHED and not is_priced and caller.may(Scope.ORDERS_WRITE):
        return
    caller.require(Scope.ORDERS_MANAGE)


def _changed_lines(order: Order, command: ChangeOrderLines) -> tuple[PlacedLine, ...]:
    """Return the lines that become other ones, and the further ones, as they then are."""
    present = {line.line_no: line for line in order.lines}
    next_no = len(order.lines) + 1
    changed: list[PlacedLine] = []
    for index, line in enumerate(command.lines):
        if line.sku is not None:
            further = PlacedLine(line_no=next_no, sku=line.sku, quantity=line.quantity, unit_price=line.unit_price)
            changed.append(further)
            next_no += 1
        elif (before := present.get(line.line_no or 0)) is None:
            detail = f"the order has no line of line_no {line.line_no}"
            raise one_finding(f"/lines/{index}/line_no", "unknown_line", detail)
        elif before.quantity != line.quantity:
            changed.append(replace(before, quantity=line.quantity))
    if next_no - 1 > ORDER_LINES_MAX:
        detail = f"the order would have {next_no - 1} lines; it may have {ORDER_LINES_MAX}, removed ones included"
        raise one_finding("/lines", "too_many", detail)
    findings = Findings()
    asked = [
        OrderLine(sku=line.sku or "", quantity=line.quantity, unit_price=line.unit_price) for line in command.lines
    ]
    check_prices(findings, asked, order.currency)
    findings.raise_if_any()
    return tuple(sorted(changed, key=lambda line: line.line_no))


def _check_known(command: ChangeOrderLines, changed: Sequence[PlacedLine], products: Mapping[str, Product]) -> None:
    """Raise `unknown_sku` for further lines, as the caller has numbered them."""
    if all(line.sku in products for line in changed):
        return
    asked = [OrderLine(sku=line.sku or "", quantity=line.quantity) for line in command.lines]
    raise unknown_skus(asked, [n for n, line in enumerate(asked) if line.sku and line.sku not in products])


@dataclass(frozen=True, slots=True)
class _Increment:
    """What is ordered besides, as a decision on a placement takes it."""

    lines: Sequence[OrderLine]
    locations: Sequence[str] | None
    key: tuple[str, str] | None = None
    fingerprint: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Rebooking:
    """What an order has to reserve and to release for its lines to have other quantities."""

    order: Order
    standing: Standing
    location_priority: Sequence[str]
    reason: str | None

    def movements(self, changed: Sequence[PlacedLine]) -> tuple[NewMovement, ...]:
        """Return the rows of the ledger; what is released can be reserved again at once."""
        held: Counter[int] = Counter()
        shipped: Counter[int] = Counter()
        for holding in self.standing.holdings:
            held[holding.line_no] += holding.reserved + holding.shipped
            shipped[holding.line_no] += holding.shipped
        _check_shipped(changed, shipped)
        released: list[NewMovement] = []
        for line in changed:
            if line.quantity < held[line.line_no]:
                released += self._release(line.line_no, held[line.line_no] - line.quantity)
        grown = [
            replace(line, quantity=line.quantity - held[line.line_no])
            for line in changed
            if line.quantity > held[line.line_no]
        ]
        return (*released, *self._reserve(grown, _without(self.standing.products, released)))

    def _reserve(self, grown: Sequence[PlacedLine], products: Mapping[str, Product]) -> list[NewMovement]:
        if not grown:
            return []
        view = PlacementView(products=products, keyed_orders={})
        increment = _Increment([_ordered(line) for line in grown], self.order.locations)
        match decide_placement([increment], view, self.location_priority):
            case [Reserve(allocations)]:
                placed = [replace(each, line_no=grown[each.line_no - 1].line_no) for each in allocations]
                return [replace(reservation(self.order.id, each), reason=self.reason) for each in placed]
            case [Refuse(error)]:
                raise error
            case verdicts:
                raise AssertionError(f"an increment has no key: {verdicts}")

    def _release(self, line_no: int, units: int) -> list[NewMovement]:
        """Return rows that release units of a line, from the last location that serves it first."""
        priority = self.order.locations or self.location_priority
        rank = {location: number for number, location in enumerate(priority)}
        of_line = [each for each in self.standing.holdings if each.line_no == line_no and each.reserved]
        of_line.sort(key=lambda each: (rank.get(each.location, len(rank)), each.location), reverse=True)
        rows = []
        for holding in of_line:
            if taken := min(units, holding.reserved):
                row = order_movement(self.order, holding, MovementKind.RELEASE, reserved=-taken, reason=self.reason)
                rows.append(row)
                units -= taken
        return rows


def _ordered(line: PlacedLine) -> OrderLine:
    return OrderLine(sku=line.sku, quantity=line.quantity, unit_price=line.unit_price)


def _without(products: Mapping[str, Product], released: Sequence[NewMovement]) -> Mapping[str, Product]:
    """Return products as they are after rows that release units."""
    after = dict(products)
    for row in released:
        product = after[row.sku]
        levels = tuple(
            replace(level, reserved=level.reserved + row.reserved_delta) if level.location == row.location else level
            for level in product.levels
        )
        after[row.sku] = replace(product, levels=levels)
    return after


def _check_shipped(changed: Sequence[PlacedLine], shipped: Mapping[int, int]) -> None:
    below = [
        {"line_no": line.line_no, "sku": line.sku, "requested": line.quantity, "shipped": shipped[line.line_no]}
        for line in changed
        if line.quantity < shipped[line.line_no]
    ]
    if below:
        told = ", ".join(f"{each['requested']} {each['sku']} of {each['shipped']} shipped" for each in below[:5])
        raise OmsError("below_shipped", f"less than has shipped: {told}", data={"lines": below})


def _event(order: Order, changed: Sequence[PlacedLine], total: Decimal | None, reason: str | None) -> NewEvent:
    present = {line.line_no: line for line in order.lines}
    before = [present[line.line_no] for line in changed if line.line_no in present]
    show = partial(_shown, decimals=decimals_of(order.currency))
    data = {"before": show(before, order.total), "after": show(changed, total), "reason": reason}
    return NewEvent(type=EventType.ORDER_CHANGED, order_id=order.id, order_version=order.version + 1, data=data)


def _shown(lines: Sequence[PlacedLine], total: Decimal | None, *, decimals: int) -> dict[str, object]:
    def amount(value: Decimal | None) -> str | None:
        return None if value is None else format_money(value, decimals=decimals)

    return {
        "lines": [
            {
                "line_no": line.line_no,
                "sku": line.sku,
                "quantity": line.quantity,
                "unit_price": amount(line.unit_price),
            }
            for line in lines
        ],
        "total": amount(total),
    }
