"""Judges and shows a demonstration: what the buyers were told against what the books say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from oms_core import AuditReport, Product
from tests.bench.crowd import NO_ANSWER, SOLD, Sale


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A finished sale of `units` units, the product as the books have it afterwards, and their audit."""

    units: int
    connections: int
    sale: Sale
    product: Product
    audit: AuditReport

    def outcomes(self) -> Counter[str]:
        """Count the buyers by what they were told: sold, a refusal's code, or no answer."""
        return Counter(bought.outcome for bought in self.sale.bought)

    def oversold(self) -> int:
        """Count the units promised beyond those in stock: to the buyers, or in the books, whichever is more."""
        return max(0, self.outcomes()[SOLD] - self.units, self.product.reserved - self.units)

    def faults(self) -> list[str]:
        """Say what broke the promise; nothing, if it was kept."""
        outcomes = self.outcomes()
        found = [f"the audit: {discrepancy.subject}: {discrepancy.detail}" for discrepancy in self.audit.discrepancies]
        if self.oversold():
            found.append(f"{self.oversold():,} units were sold that were not there")
        if outcomes[SOLD] != self.product.reserved:
            found.append(
                f"{outcomes[SOLD]:,} were told that they bought a unit, {self.product.reserved:,} are reserved"
            )
        if outcomes[NO_ANSWER]:
            found.append(f"{outcomes[NO_ANSWER]:,} buyers got no answer")
        if outcomes[SOLD] < min(self.units, len(self.sale.bought)):
            found.append("units are left although buyers were refused")
        return found

    def show(self) -> RenderableType:
        """Lay it out for a terminal."""
        return Group(self._figures(), *agreement(self.product, self.audit, self.faults()))

    def _figures(self) -> Table:
        outcomes, buyers = self.outcomes(), len(self.sale.bought)
        at_once = min(self.connections, buyers)
        table = Table(
            title=f"{buyers:,} buyers, {at_once:,} at once, {self.units:,} units",
            title_justify="left",
            show_header=False,
        )
        table.add_column()
        table.add_column(justify="right")
        table.add_row("sold", f"{outcomes.pop(SOLD, 0):,}", style="bold green")
        unanswered = outcomes.pop(NO_ANSWER, 0)
        for code, count in sorted(outcomes.items()):
            table.add_row(f"refused: {code}", f"{count:,}")
        table.add_row("oversold", f"{self.oversold():,}", style="bold red" if self.oversold() else "bold green")
        table.add_row("without an answer", f"{unanswered:,}")
        table.add_section()
        bought = self.sale.bought
        table.add_row("told to come back (503)", f"{sum(entry.told_to_come_back for entry in bought):,}")
        table.add_row("connections lost", f"{sum(entry.connections_lost for entry in bought):,}")
        table.add_row("all answered after", f"{self.sale.seconds:,.2f} s")
        table.add_row("orders answered a second", f"{buyers / self.sale.seconds:,.0f}")
        table.add_row("latency p50", f"{self._latency_ms(0.5):,.1f} ms")
        table.add_row("latency p99", f"{self._latency_ms(0.99):,.1f} ms")
        return table

    def _latency_ms(self, fraction: float) -> float:
        ordered = sorted(entry.seconds for entry in self.sale.bought)
        return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] * 1_000


def agreement(product: Product, audit: AuditReport, faults: Sequence[str]) -> list[Text]:
    """Say what the books have, whether they agree, and what broke the promise."""
    books = f"in the books: on hand {product.on_hand:,}, reserved {product.reserved:,}, available {product.available:,}"
    compared = f"audit: stock levels ({audit.levels:,}) and orders ({audit.orders:,}) against the ledger"
    if not faults:
        return [Text(books), Text(f"{compared}: all agree", style="green")]
    return [Text(books), Text(compared), *(Text(fault, style="bold red") for fault in faults)]
