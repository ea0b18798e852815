"""What callers ask for of shipments: to ship units, to say how they travel, and to take a shipment back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oms_core.domain.commands import UNSET, Unset, check_act, check_reason
from oms_core.domain.orders.details import check_reference
from oms_core.domain.orders.parts import check_parts
from oms_core.domain.orders.shipments import ShipmentLine, ShipmentStatus, Tracking
from oms_core.domain.validation import Findings

# Nobody sets a shipment to `cancelled`: that has an act of its own, which moves stock.
SETTABLE_STATUSES = (ShipmentStatus.SHIPPED, ShipmentStatus.DELIVERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateShipment(Tracking):
    """Ship units of an order from a location: those of `lines`, or all that it has reserved there.

    `location` may be left out where all of them are at one. `if_version` is as in ChangeOrderStatus; `idempotency_key`
    makes it repeatable.
    """

    order_id: UUID
    location: str | None = None
    lines: Sequence[ShipmentLine] | None = None
    reference: str | None = None
    if_version: int | None = None
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_act(findings, self.order_id, self.if_version, self.idempotency_key)
        if self.location is not None:
            findings.location("/location", self.location)
        if self.lines is not None:
            check_parts(findings, self.lines, ShipmentLine, told_by=lambda line: (line.line_no, line.sku))
        self.check_tracking(findings)
        check_reference(findings, self.reference)
        findings.raise_if_any()
        if self.lines is not None:
            object.__setattr__(self, "lines", tuple(self.lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateShipment:
    """Say how a shipment travels, or that it was delivered. What is not given stays; None clears.

    `if_version` is as in ChangeOrderStatus: every act on a shipment moves the version of its order.
    """

    order_id: UUID
    shipment_no: int
    status: ShipmentStatus | None = None
    carrier: str | Unset | None = UNSET
    tracking_number: str | Unset | None = UNSET
    tracking_url: str | Unset | None = UNSET
    if_version: int | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_act(findings, self.order_id, self.if_version, None)
        _check_number(findings, self.shipment_no)
        if self.status is not None and not _is_settable(self.status):
            findings.add("/status", "unknown_status", f"must be one of {', '.join(SETTABLE_STATUSES)}")
        self.tracking(Tracking()).check_tracking(findings)
        if self.status is None and {self.carrier, self.tracking_number, self.tracking_url} == {UNSET}:
            findings.add("", "required", "must give a status, or how the shipment travels")
        findings.raise_if_any()

    def tracking(self, before: Tracking) -> Tracking:
        """Return how the shipment travels with what is given, and `before` of what is not."""
        return Tracking(
            carrier=_given(self.carrier, before.carrier),
            tracking_number=_given(self.tracking_number, before.tracking_number),
            tracking_url=_given(self.tracking_url, before.tracking_url),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelShipment:
    """Take a shipment back that was not delivered: its units are on hand, and reserved, where they were before.

    `if_version` is as in ChangeOrderStatus; `idempotency_key` makes it repeatable.
    """

    order_id: UUID
    shipment_no: int
    reason: str | None = None
    if_version: int | None = None
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_act(findings, self.order_id, self.if_version, self.idempotency_key)
        _check_number(findings, self.shipment_no)
        check_reason(findings, self.reason)
        findings.raise_if_any()


def _is_settable(status: object) -> bool:
    """Return whether it is a status that callers set; a text of the same letters is none."""
    return isinstance(status, ShipmentStatus) and status in SETTABLE_STATUSES


def _check_number(findings: Findings, shipment_no: object) -> None:
    findings.whole_number("/shipment_no", shipment_no, lowest=1)


def _given(given: str | Unset | None, before: str | None) -> str | None:
    return before if isinstance(given, Unset) else given
