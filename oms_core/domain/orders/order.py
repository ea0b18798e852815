"""Orders as they are kept and shown."""

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
    """A product that an order asks too much of."""

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
        """Return what is kept of an error."""
        return cls.read({**error.data, "code": error.code, "detail": error.public_detail})

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> OrderFailure:
        """Return the failure that `document` showed."""
        shortages = tuple(
            Shortage(sku=each["sku"], requested=each["requested"], available=each["available"])
            for each in document.get("shortages", ())
        )
        return cls(code=document["code"], detail=document["detail"], shortages=shortages)

    @property
    def document(self) -> dict[str, object]:
        """The failure as it is kept and shown."""
        return {**self.brief, **self.figures}

    @property
    def figures(self) -> dict[str, object]:
        """What its error carries: the shortages, if there are any."""
        return {"shortages": [asdict(each) for each in self.shortages]} if self.shortages else {}

    @property
    def error_code(self) -> Code:
        """The code of its error; `internal_error` for one that only another release knows."""
        return self.code if is_code(self.code) else "internal_error"

    @property
    def brief(self) -> dict[str, object]:
        """The failure as events tell it."""
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

    `queue_no` is the order's number in the queue, None for one that was never queued; `failure` and `attempts` tell of
    placing an accepted order: why it was rejected, failed, or has to be tried again.
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

    @property
    def lines_shown(self) -> int:
        """How much of a page an order takes: its lines, and each entry of its metadata like one more."""
        return len(self.lines) + len(self.metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one line of an order holds at one location, summed from its movements: units reserved and units shipped.

    `level_on_hand` is what is there now in all, for a decision; an audit leaves it at 0.
    """

    line_no: int
    sku: str
    location: str
    reserved: int
    shipped: int
    level_on_hand: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders to list, the newest first or the oldest. Empty means all.

    Times include `created_from` and exclude `created_to`.

    Raises OmsError `validation_error` for text that no order could have, and for times without an offset.
    """

    statuses: frozenset[OrderStatus] = frozenset()
    customer_id: str | None = None
    sku: str | None = None
    reference: str | None = None
    failure_code: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    oldest_first: bool = False

    def __post_init__(self) -> None:
        findings = Findings()
        for name, longest in _FILTER_LENGTHS.items():
            if (text := getattr(self, name)) is not None:
                findings.identifier(f"/{name}", text, longest=longest)
        for name in ("created_from", "created_to"):
            time = getattr(self, name)
            if time is not None and (not isinstance(time, datetime) or time.utcoffset() is None):
                findings.add(f"/{name}", "wrong_type", "must be a time with its offset from UTC")
        findings.raise_if_any()


def orders_within(orders: Iterable[Order], lines_max: int | None) -> Iterator[Order]:
    """Return orders up to the one whose lines reach `lines_max`; None gives all."""
    lines = 0
    for order in orders:
        yield order
        lines += len(order.lines)
        if lines_max is not None and lines >= lines_max:
            return
