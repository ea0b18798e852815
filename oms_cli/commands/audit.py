"""`oms audit`: the proof that counters, ledger and open orders agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from oms_cli.commands.command import command
from oms_cli.commands.paging import say_replica_lag
from oms_cli.commands.session import Session
from oms_cli.terminal.exits import DISAGREEING
from oms_cli.terminal.messages import counted, say_error
from oms_cli.terminal.progress import progress
from oms_cli.terminal.view import Column, View
from oms_core.domain.stock.balances import Discrepancy

if TYPE_CHECKING:
    from oms_core import AuditReport

_DISCREPANCIES: View[Discrepancy] = View(
    columns=(
        Column(name="subject", value=lambda found: found.subject, whole=True),
        Column(name="detail", value=lambda found: found.detail),
    ),
    document=lambda found: {"subject": found.subject, "detail": found.detail},
)


def register(app: typer.Typer) -> None:
    """Add `audit` to the program."""
    command(app, "audit")(audit)


def audit(session: Session) -> None:
    """Prove that every count is the sum of its ledger and of the open orders; changes nothing.

    Exits with 5 when something does not agree, and lists the first 1,000 of it.
    """
    with session.oms() as oms, progress("auditing") as report:
        found = oms.audit(
            caller=session.caller,
            progress=lambda levels, orders: report(levels + orders),
        )
    _write(session, found)
    if found.discrepancies:
        raise typer.Exit(DISAGREEING)


def _write(session: Session, found: AuditReport) -> None:
    compared = f"{counted(found.levels, 'stock level')} and {counted(found.orders, 'order')}"
    if session.output.is_json:
        documents = [_DISCREPANCIES.document(entry) for entry in found.discrepancies]
        session.output.document({"levels": found.levels, "orders": found.orders, "discrepancies": documents})
    elif found.discrepancies or not session.output.is_table:
        session.output.list(_DISCREPANCIES, found.discrepancies)
    if found.discrepancies:
        say_error(f"compared {compared}: {len(found.discrepancies):,} do not agree")
    else:
        session.output.sentence(f"compared {compared}: all agree with the ledger")
    say_replica_lag(found.replica_lag_seconds)
