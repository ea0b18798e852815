"""What callers ask for of orders that are there: other quantities, further lines, another reference, other metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from oms_core.domain import limits
from oms_core.domain.commands import UNSET, Unset, check_act, check_reason
from oms_core.domain.money import is_money
from oms_core.domain.orders.details import check_metadata, check_reference
from oms_core.domain.orders.parts import lines_of_kind
from oms_core.domain.validation import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """The quantity that a line is to have (`line_no`; 0 removes it), or a further line (`sku`, at least 1).

    One of `line_no` and `sku` is given. `unit_price`, exact, is for a further line.
    """

    quantity: int
    line_no: int | None = None
    sku: str | None = None
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrderLines:
    """Change the lines of an order, all of these or none. With `dry_run` it is only told what would become of it.

    `if_version` is as in ChangeOrderStatus; `idempotency_key` makes it repeatable, and goes with no dry run.
    """

    order_id: UUID
    lines: Sequence[LineChange]
    reason: str | None = None
    dry_run: bool = False
    if_version: int | None = None
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_act(findings, self.order_id, self.if_version, self.idempotency_key)
        _check_lines(findings, self.lines)
        check_reason(findings, self.reason)
        if self.dry_run and self.idempotency_key is not None:
            findings.add("/idempotency_key", "not_allowed", "must be left out of a dry run, which does nothing")
        findings.raise_if_any()
        object.__setattr__(self, "lines", tuple(self.lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOrder:
    """Give an order another reference (None clears it), or other metadata: None removes an entry, the others stay.

    `if_version` is as in ChangeOrderStatus.
    """

    order_id: UUID
    reference: str | Unset | None = UNSET
    metadata: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    if_version: int | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_act(findings, self.order_id, self.if_version, None)
        if not isinstance(self.reference, Unset):
            check_reference(findings, self.reference)
        if isinstance(self.metadata, Mapping):
            check_metadata(findings, {name: "" if text is None else text for name, text in self.metadata.items()})
            object.__setattr__(self, "metadata", dict(self.metadata))
        else:
            check_metadata(findings, self.metadata)
        findings.raise_if_any()


def _check_lines(findings: Findings, lines: object) -> None:
    seen: set[int] = set()
    for pointer, line in lines_of_kind(findings, lines, LineChange):
        _check_line(findings, pointer, line)
        if line.line_no is None:
            continue
        if line.line_no in seen:
            findings.add(pointer, "duplicate", "names a line that is listed already")
        seen.add(line.line_no)


def _check_line(findings: Findings, pointer: str, line: LineChange) -> None:
    lowest = 1 if line.line_no is None else 0
    findings.whole_number(f"{pointer}/quantity", line.quantity, lowest=lowest, highest=limits.QUANTITY_MAX)
    if (line.line_no is None) == (line.sku is None):
        findings.add(pointer, "line_or_sku", "must name either a line_no or a sku")
    elif line.sku is not None:
        findings.sku(f"{pointer}/sku", line.sku)
    else:
        findings.whole_number(f"{pointer}/line_no", line.line_no, lowest=1, highest=limits.ORDER_LINES_MAX)
    if line.unit_price is None:
        return
    if line.sku is None:
        findings.add(
            f"{pointer}/unit_price", "not_allowed", "is only for a further line: a price stays as it was agreed"
        )
    elif not is_money(line.unit_price):
        findings.add(f"{pointer}/unit_price", "bad_amount", "must be an exact amount with at most 4 decimals")
