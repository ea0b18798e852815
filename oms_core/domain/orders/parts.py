"""Parts of an order: so many units of a line, or of the lines of a SKU, as shipments and returns name them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from oms_core.domain import limits
from oms_core.domain.orders.order import Order
from oms_core.domain.validation import Findings, one_finding


class Part(Protocol):
    """So many units of a line, or of the lines of a SKU: one of `line_no` and `sku` is given."""

    @property
    def quantity(self) -> int:
        """The units."""
        ...

    @property
    def line_no(self) -> int | None:
        """The line."""
        ...

    @property
    def sku(self) -> str | None:
        """The SKU."""
        ...


L = TypeVar("L")
P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of an order that are meant, and the lines that they may be of, in this order; `line_no` if it was named."""

    line_nos: tuple[int, ...]
    sku: str
    quantity: int
    line_no: int | None


def check_parts(
    findings: Findings,
    parts: object,
    kind: type[P],
    *,
    told_by: Callable[[P], Hashable],
    further: Callable[[str, P], None] = lambda _pointer, _part: None,
) -> None:
    """Note what is wrong with the `lines` of a command, which must be of this type.

    No two may be told by the same; `further` notes what is wrong with one besides.
    """
    seen: set[Hashable] = set()
    for pointer, part in lines_of_kind(findings, parts, kind):
        before = len(findings.errors)
        _check_part(findings, pointer, part)
        further(pointer, part)
        if len(findings.errors) > before:
            continue
        if told_by(part) in seen:
            findings.add(pointer, "duplicate", "names what is listed already")
        seen.add(told_by(part))


def lines_of_kind(findings: Findings, lines: object, kind: type[L]) -> Iterator[tuple[str, L]]:
    """Return the `lines` of a command that are of a type, each with its pointer; note what is wrong with the others."""
    if not isinstance(lines, Sequence) or isinstance(lines, str | bytes):
        findings.add("/lines", "wrong_type", "must be a list of lines")
    elif not 1 <= len(lines) <= limits.ORDER_LINES_MAX:
        findings.add("/lines", "wrong_length", f"must have 1 to {limits.ORDER_LINES_MAX} lines")
    else:
        for index, line in enumerate(lines):
            if isinstance(line, kind):
                yield f"/lines/{index}", line
            else:
                findings.add(f"/lines/{index}", "wrong_type", "must be an object that names units")


def wanted_parts(order: Order, parts: Sequence[Part]) -> list[Wanted]:
    """Return which lines of an order are meant. Raise `validation_error` for a line that it does not have."""
    wanted = []
    for index, part in enumerate(parts):
        lines = [each for each in order.lines if part.line_no == each.line_no or part.sku == each.sku]
        if not lines:
            name, value = ("sku", part.sku) if part.line_no is None else ("line_no", part.line_no)
            raise one_finding(f"/lines/{index}/{name}", "unknown_line", f"the order has no line of {name} {value}")
        line_nos = tuple(each.line_no for each in lines)
        wanted.append(Wanted(line_nos, lines[0].sku, part.quantity, part.line_no))
    return wanted


def _check_part(findings: Findings, pointer: str, part: Part) -> None:
    findings.whole_number(f"{pointer}/quantity", part.quantity, lowest=1, highest=limits.QUANTITY_MAX)
    if (part.line_no is None) == (part.sku is None):
        findings.add(pointer, "line_or_sku", "must name either a line_no or a sku")
    elif part.sku is not None:
        findings.sku(f"{pointer}/sku", part.sku)
    else:
        findings.whole_number(f"{pointer}/line_no", part.line_no, lowest=1, highest=limits.ORDER_LINES_MAX)
