"""The order as it is stored and shown, its failure, and what it holds of the stock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from oms_core.domain.limits import (
    CUSTOMER_ID_LENGTH_MAX,
    FAILURE_CODE_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    SKU_LENGTH_MAX,
)
from oms_core.domain.orders.details import OrderDetails
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.validation import Findings
from oms_core.error_types import Code
from oms_core.errors import OmsError, is_code

_FILTER_LENGTHS: Mapping[str, int] = MappingProxyType(
    {
        "customer_id": CUSTOMER_ID_LENGTH_MAX,
        "sku": SKU_LENGTH_MAX,
        "reference": REFERENCE_LENGTH_MAX,
        "failure_code": FAILURE_CODE_LENGTH_MAX,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A product of which an order asks for more than is available."""

    sku: str
    requested: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFailure:
    """Why an accepted order was rejected or failed: an error code, its detail, and what was short, if anything."""

    code: str
    detail: str
    shortages: tuple[Shortage, ...] = ()

    @classmethod
    def of(cls, error: OmsError) -> OrderFailure:
        """Return the part of an error that is stored with an order."""
        return cls.read({**error.data, "code": error.code, "detail": error.public_detail})

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> OrderFailure:
        """Return the failure that `document` was made from."""
        shortages = tuple(
            Shortage(sku=each["sku"], requested=each["requested"], available=each["available"])
            for each in document.get("shortages", ())
        )
        return cls(code=document["code"], detail=document["detail"], shortages=shortages)

    @property
    def document(self) -> dict[str, object]:
        """The failure as it is stored and shown."""
        return {**self.brief, **self.figures}

    @property
    def figures(self) -> dict[str, object]:
        """The `data` of its error: the shortages, if there are any."""
        return {"shortages": [asdict(each) for each in self.shortages]} if self.shortages else {}

    @property
    def error_code(self) -> Code:
        """The code of its error; `internal_error` for a code that only another release knows."""
        return self.code if is_code(self.code) else "internal_error"

    @property
    def brief(self) -> dict[str, object]:
        """The failure as events show it."""
        return {"code": self.code, "detail": self.detail}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedLine:
    """One line of an order; `line_no` counts from 1."""

    line_no: int
    sku: str
    quantity: int
    unit_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(OrderDetails):
    """An order. `version` grows with each change; times are aware UTC with microseconds; `total` is exact or None.

    `queue_no` is the order's number in the queue, None for one that is not queued. `attempts` counts the attempts to
    place an accepted order; `failure` says why it was rejected or failed, or why the last attempt did not succeed.

    `hold_seconds` is None for an order that needs no confirmation. `hold_until` is when its hold ends, or was to end;
    `hold_extensions` counts how often that was moved. `payment_reference` names the payment that confirmed it.
    """

    id: UUID
    status: OrderStatus
    currency: str
    lines: tuple[PlacedLine, ...]
    total: Decimal | None
    failure: OrderFailure | None
    attempts: int
    version: int
    created_at: datetime
    updated_at: datetime
    queue_no: int | None = None
    hold_seconds: int | None = None
    hold_until: datetime | None = None
    hold_extensions: int = 0
    payment_reference: str | None = None

    @property
    def lines_shown(self) -> int:
        """How much of a page an order takes: its lines, plus one for each entry of its metadata."""
        return len(self.lines) + len(self.metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one line of an order holds at one location: the units reserved, shipped, and returned of the shipped ones.

    They are summed from its movements and, where units came back, from the lines of its returns: these count where they
    were shipped from, wherever they are now.
    """

    line_no: int
    sku: str
    location: str
    reserved: int
    shipped: int
    returned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAllocation:
    """Where a line of an order is served from: the units reserved, shipped and returned at one location.

    What was returned was shipped before. Where all that was reserved is released again, there is no allocation.
    """

    line_no: int
    location: str
    reserved: int
    shipped: int
    returned: int


def allocations_of(holdings: Iterable[Holding]) -> list[LineAllocation]:
    """Return from where lines are served by what they hold."""
    return [
        LineAllocation(
            line_no=held.line_no,
            location=held.location,
            reserved=held.reserved,
            shipped=held.shipped,
            returned=held.returned,
        )
        for held in holdings
        if held.reserved or held.shipped or held.returned
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders to list, and whether the newest or the oldest come first. An empty filter lists all.

    Times include `created_from` and exclude `created_to`. `hold_before` finds orders that are still held, and whose
    hold ends before it.

    Raises OmsError `validation_error` for text that no order could have, and for times without an offset.
    """

    statuses: frozenset[OrderStatus] = frozenset()
    customer_id: str | None = None
    sku: str | None = None
    reference: str | None = None
    failure_code: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    hold_before: datetime | None = None
    oldest_first: bool = False

    def __post_init__(self) -> None:
        findings = Findings()
        for name, longest in _FILTER_LENGTHS.items():
            if (text := getattr(self, name)) is not None:
                findings.identifier(f"/{name}", text, longest=longest)
        for name in ("created_from", "created_to", "hold_before"):
            time = getattr(self, name)
            if time is not None and (not isinstance(time, datetime) or time.utcoffset() is None):
                findings.add(f"/{name}", "wrong_type", "must be a time with its offset from UTC")
        findings.raise_if_any()


def orders_within(orders: Iterable[Order], lines_max: int | None) -> Iterator[Order]:
    """Return orders up to the one whose lines reach `lines_max`; None returns all."""
    lines = 0
    for order in orders:
        yield order
        lines += len(order.lines)
        if lines_max is not None and lines >= lines_max:
            return
