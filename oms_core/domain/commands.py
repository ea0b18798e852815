"""What callers ask for. Every command checks itself, so all drivers refuse the same input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from uuid import UUID

from oms_core.domain import limits
from oms_core.domain.currencies import CURRENCIES, decimals_of
from oms_core.domain.money import is_money, is_whole
from oms_core.domain.orders.details import OrderDetails, check_reference
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.preconditions import NO_VERSION, NOTHING_ASKED, Precondition
from oms_core.domain.validation import Findings, is_plain_sku


class Unset(Enum):
    """Marks a value that was not given, where None is a value of its own."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of an order to place: `quantity` in units (1 to 1,000,000), `unit_price` exact or None."""

    sku: str
    quantity: int
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(OrderDetails):
    """Place one order, all or nothing. `currency` None means the deployment's; `idempotency_key` makes it repeatable.

    `hold_seconds` holds its stock for so long, until the order is confirmed; 0 places it for good, None means what the
    deployment does.

    Raises OmsError `validation_error` with a JSON Pointer per wrong value.
    """

    lines: Sequence[OrderLine]
    currency: str | None = None
    hold_seconds: int | None = None
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        self.check_details(findings)
        if self.currency is not None and (not isinstance(self.currency, str) or self.currency not in CURRENCIES):
            findings.add("/currency", "unknown_currency", "must be an ISO 4217 code in capitals, such as EUR")
        if self.hold_seconds is not None:
            findings.whole_number("/hold_seconds", self.hold_seconds, highest=limits.HOLD_SECONDS_MAX)
        check_idempotency_key(findings, self.idempotency_key)
        _check_lines(findings, self.lines)
        if self.currency is not None:
            check_prices(findings, self.lines, self.currency)
        findings.raise_if_any()
        object.__setattr__(self, "lines", tuple(self.lines))
        object.__setattr__(self, "metadata", dict(self.metadata))
        if self.locations is not None:
            object.__setattr__(self, "locations", tuple(self.locations))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrderStatus:
    """Move an order to a status. With `if_version` the move is refused when the order is at another version.

    NO_VERSION refuses the move at any version.
    """

    order_id: UUID
    status: OrderStatus
    reason: str | None = None
    if_version: int | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        if not isinstance(self.order_id, UUID):
            findings.add("/order_id", "wrong_type", "must be a UUID")
        if not isinstance(self.status, OrderStatus):
            findings.add("/status", "unknown_status", f"must be one of {', '.join(OrderStatus)}")
        check_reason(findings, self.reason)
        if self.if_version is not None:
            findings.whole_number("/if_version", self.if_version, lowest=NO_VERSION)
        findings.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOrder:
    """Queue a rejected, failed or expired order again.

    `if_version` is as in ChangeOrderStatus; `idempotency_key` makes it repeatable.
    """

    order_id: UUID
    reason: str | None = None
    if_version: int | None = None
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_act(findings, self.order_id, self.if_version, self.idempotency_key)
        check_reason(findings, self.reason)
        findings.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStock:
    """Create a product, or set those of its values that are given; `on_hand` is an absolute count of units at
    `location`.

    `expected_on_hand` makes the count a compare-and-set; `low_stock_threshold` None removes the threshold. `kept_back`
    units at `location` are safety stock, which is not sold. `precondition` is on the product's revision; its `one_of`
    is not checked when the product already has these values.
    """

    sku: str
    on_hand: int | None = None
    location: str | None = None
    expected_on_hand: int | None = None
    name: str | None = None
    low_stock_threshold: int | Unset | None = UNSET
    kept_back: int | None = None
    reason: str | None = None
    reference: str | None = None
    precondition: Precondition = NOTHING_ASKED

    def __post_init__(self) -> None:
        findings = Findings()
        findings.sku("/sku", self.sku)
        if self.on_hand is not None:
            findings.whole_number("/on_hand", self.on_hand)
        if self.location is not None:
            findings.location("/location", self.location)
        if self.expected_on_hand is not None:
            findings.whole_number("/expected_on_hand", self.expected_on_hand)
            if self.on_hand is None:
                findings.add("/expected_on_hand", "needs_on_hand", "is only used together with on_hand")
        if self.name is not None:
            findings.prose("/name", self.name, longest=limits.NAME_LENGTH_MAX, shortest=0)
        if self.low_stock_threshold is not UNSET and self.low_stock_threshold is not None:
            findings.whole_number("/low_stock_threshold", self.low_stock_threshold)
        if self.kept_back is not None:
            findings.whole_number("/kept_back", self.kept_back)
        check_reason(findings, self.reason)
        check_reference(findings, self.reference)
        findings.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustStock:
    """Correct a count by `delta` units (not 0), for a reason; `precondition` is on the product's revision."""

    sku: str
    delta: int
    reason: str
    location: str | None = None
    reference: str | None = None
    idempotency_key: str | None = None
    precondition: Precondition = NOTHING_ASKED

    def __post_init__(self) -> None:
        findings = Findings()
        findings.sku("/sku", self.sku)
        findings.whole_number("/delta", self.delta, lowest=-limits.COUNT_MAX)
        if self.delta == 0:
            findings.add("/delta", "out_of_range", "must not be 0")
        if self.location is not None:
            findings.location("/location", self.location)
        findings.prose("/reason", self.reason, longest=limits.REASON_LENGTH_MAX)
        check_reference(findings, self.reference)
        check_idempotency_key(findings, self.idempotency_key)
        findings.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveStock:
    """Record that `quantity` units (at least 1) of a known product arrived."""

    sku: str
    quantity: int
    location: str | None = None
    reason: str | None = None
    reference: str | None = None
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        findings.sku("/sku", self.sku)
        findings.whole_number("/quantity", self.quantity, lowest=1)
        if self.location is not None:
            findings.location("/location", self.location)
        check_reason(findings, self.reason)
        check_reference(findings, self.reference)
        check_idempotency_key(findings, self.idempotency_key)
        findings.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteProduct:
    """Delete a product that was never used; `precondition` is on its revision."""

    sku: str
    precondition: Precondition = NOTHING_ASKED

    def __post_init__(self) -> None:
        findings = Findings()
        findings.sku("/sku", self.sku)
        findings.raise_if_any()


def check_prices(findings: Findings, lines: object, currency: object) -> None:
    """Check that no price has decimals in a currency without minor unit, such as JPY."""
    if decimals_of(str(currency)) > 0 or not isinstance(lines, Sequence):
        return
    for index, line in enumerate(lines[: limits.ORDER_LINES_MAX]):
        price = line.unit_price if isinstance(line, OrderLine) else None
        if price is not None and is_money(price) and not is_whole(price):
            detail = f"must be a whole amount: {currency} has no smaller unit"
            findings.add(f"/lines/{index}/unit_price", "bad_amount", detail)


def check_act(findings: Findings, order_id: object, if_version: object, idempotency_key: object) -> None:
    """Check what all acts on an order have."""
    if not isinstance(order_id, UUID):
        findings.add("/order_id", "wrong_type", "must be a UUID")
    if if_version is not None:
        findings.whole_number("/if_version", if_version, lowest=NO_VERSION)
    check_idempotency_key(findings, idempotency_key)


def check_reason(findings: Findings, reason: object) -> None:
    """Check an optional reason."""
    if reason is not None:
        findings.prose("/reason", reason, longest=limits.REASON_LENGTH_MAX)


def check_idempotency_key(findings: Findings, key: object) -> None:
    """Check an optional idempotency key."""
    if key is not None:
        findings.identifier("/idempotency_key", key, longest=limits.IDEMPOTENCY_KEY_LENGTH_MAX)


def _is_plain_line(line: object) -> bool:
    """Return whether a line is right, told at a glance: the pointers and texts of findings take longer than this."""
    return (
        isinstance(line, OrderLine)
        and is_plain_sku(line.sku)
        and type(line.quantity) is int
        and 1 <= line.quantity <= limits.QUANTITY_MAX
        and (line.unit_price is None or is_money(line.unit_price))
    )


def _check_lines(findings: Findings, lines: object) -> None:
    if not isinstance(lines, Sequence) or isinstance(lines, str | bytes):
        findings.add("/lines", "wrong_type", "must be a list of lines")
        return
    if not 1 <= len(lines) <= limits.ORDER_LINES_MAX:
        findings.add("/lines", "wrong_length", f"must have 1 to {limits.ORDER_LINES_MAX} lines")
        return
    for index, line in enumerate(lines):
        if _is_plain_line(line):
            continue
        if not isinstance(line, OrderLine):
            findings.add(f"/lines/{index}", "wrong_type", "must be an order line")
            continue
        findings.sku(f"/lines/{index}/sku", line.sku)
        findings.whole_number(f"/lines/{index}/quantity", line.quantity, lowest=1, highest=limits.QUANTITY_MAX)
        if line.unit_price is not None and not is_money(line.unit_price):
            findings.add(f"/lines/{index}/unit_price", "bad_amount", "must be an exact amount with at most 4 decimals")
