"""What callers ask for of returns: that units came back, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oms_core.domain.commands import check_act, check_reason
from oms_core.domain.orders.details import check_reference
from oms_core.domain.orders.parts import check_parts
from oms_core.domain.orders.returns import SHELVED, Disposition, ReturnLine
from oms_core.domain.validation import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateReturn:
    """Take back units of an order that were shipped: those of `lines`, or all that are still out, to be restocked.

    `if_version` is as in ChangeOrderStatus; `idempotency_key` makes it repeatable.
    """

    order_id: UUID
    lines: Sequence[ReturnLine] | None = None
    reference: str | None = None
    reason: str | None = None
    if_version: int | None = None
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_act(findings, self.order_id, self.if_version, self.idempotency_key)
        if self.lines is not None:
            check_parts(
                findings,
                self.lines,
                ReturnLine,
                told_by=lambda line: (line.line_no, line.sku, line.disposition, line.location),
                further=lambda pointer, line: _check_place(findings, pointer, line),
            )
        check_reference(findings, self.reference)
        check_reason(findings, self.reason)
        findings.raise_if_any()
        if self.lines is not None:
            object.__setattr__(self, "lines", tuple(self.lines))


def _check_place(findings: Findings, pointer: str, line: ReturnLine) -> None:
    if not isinstance(line.disposition, Disposition):
        findings.add(f"{pointer}/disposition", "unknown_disposition", f"must be one of {', '.join(Disposition)}")
    elif line.location is not None and line.disposition not in SHELVED:
        findings.add(f"{pointer}/location", "no_location", f"must be left out: what is {line.disposition} lies nowhere")
    if line.location is not None:
        findings.location(f"{pointer}/location", line.location)
