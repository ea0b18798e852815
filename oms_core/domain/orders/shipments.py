"""Shipments: what left one location together for an order, and how it travels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from oms_core.domain import limits
from oms_core.domain.orders.order import Holding
from oms_core.domain.orders.returns import Return
from oms_core.domain.stock.products import Product
from oms_core.domain.validation import Findings

_URL_SCHEMES = ("https://", "http://")


class ShipmentStatus(StrEnum):
    """Where a shipment stands. The units of a cancelled one never left, or are back."""

    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentLine:
    """So many units (1 to 1,000,000) of an order: of a line, or of the lines of a SKU, the first before the others.

    One of `line_no` and `sku` is given.
    """

    quantity: int
    line_no: int | None = None
    sku: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedLine:
    """What a shipment took of a line, also where it was cancelled since."""

    line_no: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """How a shipment is followed: texts of the carrier's, None where nobody said. The URL is one of http or https."""

    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None

    def check_tracking(self, findings: Findings) -> None:
        """Note what is wrong with a field."""
        if self.carrier is not None:
            findings.prose("/carrier", self.carrier, longest=limits.CARRIER_LENGTH_MAX)
        if self.tracking_number is not None:
            longest = limits.TRACKING_NUMBER_LENGTH_MAX
            findings.identifier("/tracking_number", self.tracking_number, longest=longest)
        check_url(findings, "/tracking_url", self.tracking_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment(Tracking):
    """A shipment of an order; numbers count from 1 and are not given twice. Its rows in the ledger have its `id`.

    Times are aware UTC. `reference` is whatever number the sender has for it.
    """

    id: UUID
    order_id: UUID
    shipment_no: int
    status: ShipmentStatus
    location: str
    lines: tuple[ShippedLine, ...]
    reference: str | None
    created_at: datetime
    updated_at: datetime
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a decision on an order sees beside it: what it holds, its shipments and returns by number, the time it is.

    Nothing is shipped from the locations that are `unshippable`. `counts` has what is on hand, by SKU and location,
    exact for a decision that raises a count. `products` are those that an act asked for, by SKU: locked, if the order
    holds stock.
    """

    at: datetime
    holdings: Sequence[Holding] = ()
    shipments: Sequence[Shipment] = ()
    returns: Sequence[Return] = ()
    unshippable: frozenset[str] = frozenset()
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    products: Mapping[str, Product] = field(default_factory=dict)

    @property
    def next_shipment_no(self) -> int:
        """The number of the next shipment."""
        return len(self.shipments) + 1

    @property
    def next_return_no(self) -> int:
        """The number of the next return."""
        return len(self.returns) + 1


def shipment_id(order_id: UUID, shipment_no: int) -> UUID:
    """Return the id of a shipment: the same whenever a decision is made again."""
    return uuid5(order_id, f"shipment {shipment_no}")


def check_url(findings: Findings, pointer: str, url: object) -> None:
    """Check an optional URL that people will follow: one of another scheme could run in their browser."""
    if url is None:
        return
    findings.identifier(pointer, url, longest=limits.TRACKING_URL_LENGTH_MAX)
    if isinstance(url, str) and (not url.lower().startswith(_URL_SCHEMES) or " " in url):
        findings.add(pointer, "bad_url", "must be a URL that begins with https:// or http://, without spaces")
