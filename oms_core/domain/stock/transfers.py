"""The command to move units from one location to another."""

from __future__ import annotations

from dataclasses import dataclass

from oms_core.domain.commands import check_idempotency_key, check_reason
from oms_core.domain.orders.details import check_reference
from oms_core.domain.preconditions import NOTHING_ASKED, Precondition
from oms_core.domain.validation import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStock:
    """Move `quantity` units (at least 1) that nobody has reserved to another location, in one act.

    `idempotency_key` makes it repeatable; `precondition` is on the product's revision.
    """

    sku: str
    quantity: int
    from_location: str
    to_location: str
    reason: str | None = None
    reference: str | None = None
    idempotency_key: str | None = None
    precondition: Precondition = NOTHING_ASKED

    def __post_init__(self) -> None:
        findings = Findings()
        findings.sku("/sku", self.sku)
        findings.whole_number("/quantity", self.quantity, lowest=1)
        findings.location("/from", self.from_location)
        findings.location("/to", self.to_location)
        if self.from_location == self.to_location:
            findings.add("/to", "same_location", "must be another location than the one that they leave")
        check_reason(findings, self.reason)
        check_reference(findings, self.reference)
        check_idempotency_key(findings, self.idempotency_key)
        findings.raise_if_any()
