"""The second act of the demonstration: a drop. Everybody holds a unit, a third never pays, and what falls is sold."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from rich.console import Group, RenderableType
from rich.table import Table

from oms_core import AuditReport, Product
from tests.bench.crowd import NEVER_PAID, NO_ANSWER, SOLD, Crowd, Sale, send_crowd
from tests.bench.demo_verdict import agreement
from tests.bench.served import Served
from tests.services.waiting import wait_until

HOLD_SECONDS = 5
# Who never pays: every third.
NEVER_PAYS = 3
FALL_SECONDS_MAX = 60
REFUSED = "insufficient_inventory"
TOO_LATE = "hold_expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rush:
    """What became of the rush, and of those who came again."""

    first: Sale
    second: Sale


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A drop of `units` units: the rush, the holds that fell, the product as the books have it, and their audit."""

    units: int
    rush: Rush
    fallen: int
    product: Product
    audit: AuditReport

    def sold(self) -> int:
        """Count the units that buyers were told are theirs."""
        return count_of(self.rush.first, SOLD) + count_of(self.rush.second, SOLD)

    def unpaid(self) -> int:
        """Count the holds that nobody paid for in time."""
        late = count_of(self.rush.first, TOO_LATE) + count_of(self.rush.second, TOO_LATE)
        return count_of(self.rush.first, NEVER_PAID) + late

    def faults(self) -> list[str]:
        """Say what broke the promise; nothing, if it was kept."""
        found = [f"the audit: {discrepancy.subject}: {discrepancy.detail}" for discrepancy in self.audit.discrepancies]
        if (oversold := max(self.sold(), self.product.reserved) - self.units) > 0:
            found.append(f"{oversold:,} units were sold that were not there")
        if self.sold() != self.product.reserved:
            found.append(f"{self.sold():,} have paid for a unit, {self.product.reserved:,} are reserved")
        if self.fallen != self.unpaid():
            found.append(f"{self.unpaid():,} never paid, and {self.fallen:,} holds fell")
        if unanswered := count_of(self.rush.first, NO_ANSWER) + count_of(self.rush.second, NO_ANSWER):
            found.append(f"{unanswered:,} buyers got no answer")
        if self.sold() < min(self.units, len(self.rush.first.bought) - self.fallen):
            found.append("units are left although buyers were refused")
        return found

    def show(self) -> RenderableType:
        """Lay it out for a terminal."""
        buyers = len(self.rush.first.bought)
        table = Table(
            title=f"{buyers:,} hold for {HOLD_SECONDS} s, {self.units:,} units",
            title_justify="left",
            show_header=False,
        )
        table.add_column()
        table.add_column(justify="right")
        table.add_row("held and paid", f"{count_of(self.rush.first, SOLD):,}", style="bold green")
        table.add_row("held and never paid", f"{count_of(self.rush.first, NEVER_PAID):,}")
        if late := count_of(self.rush.first, TOO_LATE):
            table.add_row("held and paid too late", f"{late:,}")
        table.add_row("refused, all was held", f"{count_of(self.rush.first, REFUSED):,}")
        table.add_row("all answered after", f"{self.rush.first.seconds:,.2f} s")
        table.add_section()
        table.add_row("holds that fell", f"{self.fallen:,}")
        table.add_row("came again, held and paid", f"{count_of(self.rush.second, SOLD):,}", style="bold green")
        table.add_row("came again, sold out", f"{count_of(self.rush.second, REFUSED):,}")
        table.add_section()
        table.add_row("sold", f"{self.sold():,}", style="bold green")
        oversold = max(0, max(self.sold(), self.product.reserved) - self.units)
        table.add_row("oversold", f"{oversold:,}", style="bold red" if oversold else "bold green")
        return Group(table, *agreement(self.product, self.audit, self.faults()))


def send_rush(service: Served, crowd: Crowd) -> Rush:
    """Send everybody, wait until what was never paid has fallen, and send those who were refused again."""
    unpaid = frozenset(buyer for buyer in crowd.buyers if buyer % NEVER_PAYS == 0)
    crowd = replace(crowd, hold_seconds=HOLD_SECONDS, unpaid=unpaid)
    first = send_crowd(crowd)
    paid = count_of(first, SOLD)
    wait_until(lambda: reserved(service, crowd.sku) <= paid, FALL_SECONDS_MAX, "the holds have fallen")
    refused = [bought.buyer for bought in first.bought if bought.outcome == REFUSED]
    return Rush(first=first, second=send_crowd(replace(crowd, buyers=refused, unpaid=frozenset())))


def reserved(service: Served, sku: str) -> int:
    """Return how many units are reserved now."""
    return int(json.loads(service.ask("GET", f"/v1/inventory/{sku}")[1])["reserved"])


def count_of(sale: Sale, outcome: str) -> int:
    """Count the buyers with an outcome."""
    return sum(bought.outcome == outcome for bought in sale.bought)
