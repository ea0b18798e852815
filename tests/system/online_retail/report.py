"""Shows what was in the files, what became of every line, and whether the books agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tests.system.online_retail.reading import Line
from tests.system.online_retail.replay import APPLIED, Tally
from tests.system.online_retail.steps import Category, Plan

_NOT_UNDERSTOOD_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One replay: its plan, what became of it, how long it took, and what does not agree (nothing, it is to be hoped).

    `disagreements` is None where the books were not compared with the files.
    """

    source: str
    plan: Plan
    tally: Tally
    products: int
    stocking_seconds: float
    replay_seconds: float
    discrepancies: Sequence[str]
    disagreements: Sequence[str] | None

    def accounted_lines(self) -> int:
        """Count the lines of the files that have an entry in the report."""
        return self.tally.lines.total() + len(self.plan.no_products) + len(self.plan.not_understood)

    def show(self) -> RenderableType:
        """Lay it out for a terminal. An AssertionError if a line of the files is missing from it."""
        assert self.accounted_lines() == self.plan.lines_read, "a line is missing from the report"
        return Group(self._lines(), self._no_products(), *self._not_understood(), *self._verdict())

    def _lines(self) -> Table:
        table = _table(f"Lines of {self.source}", "what it is", "lines", "applied", "refused")
        counts = self.plan.lines_by_category()
        for category in Category:
            outcomes = {code: lines for (of, code), lines in sorted(self.tally.lines.items()) if of is category}
            applied = outcomes.pop(APPLIED, 0)
            refused = ", ".join(f"{lines:,} {code}" for code, lines in outcomes.items())
            table.add_row(category.value, f"{counts[category]:,}", f"{applied:,}" if applied else "", refused)
        table.add_section()
        done = sum(lines for (_, code), lines in self.tally.lines.items() if code == APPLIED)
        not_done = self.tally.lines.total() - done
        table.add_row("in all", f"{self.plan.lines_read:,}", f"{done:,}", f"{not_done:,}")
        return table

    def _no_products(self) -> Table:
        table = _table("Lines that are no products", "code", "lines", "units", "amount (GBP)", "described as")
        by_code: dict[str, list[Line]] = defaultdict(list)
        for line in self.plan.no_products:
            by_code[line.code].append(line)
        for code, lines in sorted(by_code.items()):
            amount = sum((line.amount for line in lines), Decimal(0))
            units = sum(line.quantity for line in lines)
            described = next((line.description for line in lines if line.description), "")
            table.add_row(code, f"{len(lines):,}", f"{units:,}", f"{amount:,.2f}", described)
        return table

    def _not_understood(self) -> Iterator[RenderableType]:
        entries = self.plan.not_understood
        if entries:
            table = _table(f"Lines that were not understood: {len(entries):,}", "line", "invoice", "why")
            for entry in entries[:_NOT_UNDERSTOOD_SHOWN]:
                table.add_row(entry.place, entry.invoice, entry.reason)
            yield table
        if len(entries) > _NOT_UNDERSTOOD_SHOWN:
            yield Text(f"... and {len(entries) - _NOT_UNDERSTOOD_SHOWN:,} more")

    def _verdict(self) -> Iterator[Text]:
        respelled = sum(1 for step in self.plan.steps for line in step.lines if line.code != line.sku)
        placed, orders = self.tally.orders[APPLIED], self.tally.orders.total()
        rate = self.tally.lines.total() / self.replay_seconds
        yield Text(f"{respelled:,} lines spell their code in small letters")
        yield Text(f"{self.products:,} products stocked in {self.stocking_seconds:.1f} s")
        yield Text(
            f"{placed:,} of {orders:,} orders placed; in all {rate:,.0f} lines/s for {self.replay_seconds:.1f} s"
        )
        yield _agreement("the audit", "counters, ledger and open orders agree", self.discrepancies)
        if self.disagreements is not None:
            yield _agreement(
                "the files", "orders, ledger and levels are what they say, to the unit", self.disagreements
            )


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="left" if name in {"refused", "described as", "why"} else "right")
    return table


def _agreement(who: str, good: str, found: Sequence[str]) -> Text:
    if found:
        return Text(f"{who}: {len(found):,} disagreements, the first: {found[0]}", style="bold red")
    return Text(f"{who}: {good}", style="green")
