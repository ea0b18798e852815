"""`oms orders archive` and `archived`: finished orders leave for a file, and are looked up there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oms_cli.commands.command import command
from oms_cli.commands.paging import LIMIT_DEFAULT, AllOption, LimitOption
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import WholeNumber, read_duration, read_order_id
from oms_cli.terminal.messages import counted, say
from oms_cli.terminal.progress import progress
from oms_cli.terminal.view import Column, View
from oms_cli.views.orders import REMOVED

if TYPE_CHECKING:
    from oms_core import ArchivedDocument, ArchiveReport

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The archive: JSON Lines in gzip.")]

_REPORT: View[ArchiveReport] = View(
    columns=(
        Column(name="archived", value=lambda report: report.archived, right=True),
        Column(name="kept", value=lambda report: report.kept, right=True),
    ),
    document=lambda report: {"archived": report.archived, "kept": report.kept},
)
_ORDERS: View[ArchivedDocument] = View(
    columns=(
        Column(name="id", value=lambda archived: archived.id, whole=True, is_id=True),
        Column(name="status", value=lambda archived: archived.order["status"], whole=True),
        Column(name="customer_id", value=lambda archived: archived.order["customer_id"]),
        Column(name="total", value=lambda archived: archived.order["total"], right=True),
        Column(name="currency", value=lambda archived: archived.order["currency"]),
        Column(name="created_at", value=lambda archived: archived.order["created_at"], whole=True, spare=True),
        Column(name="updated_at", value=lambda archived: archived.order["updated_at"], spare=True),
        Column(
            name="lines",
            value=lambda archived: sum(line["quantity"] > 0 for line in archived.order["lines"]),
            right=True,
        ),
    ),
    document=lambda archived: archived.document,
    nothing="no orders",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of an archived order, as it was shown."""

    shown: dict[str, Any]


_LINES: View[_Line] = View(
    columns=tuple(
        Column(
            name=name,
            value=lambda line, name=name: line.shown[name],  # type: ignore[misc]
            right=name != "sku",
            table_value=(lambda line: line.shown["quantity"] or REMOVED) if name == "quantity" else None,
        )
        for name in ("line_no", "sku", "quantity", "unit_price")
    ),
    document=lambda line: line.shown,
)


def register(app: typer.Typer) -> None:
    """Add `archive` and `archived` to the orders' commands."""
    command(app, "archive")(archive_orders)
    command(app, "archived")(show_archived_orders)


def archive_orders(
    session: Session,
    *,
    file: FileArgument,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="AGE", help="What nobody has changed for 90d, 400d, 104w ...")
    ],
    rate: Annotated[
        int | None,
        typer.Option(
            "--per-second", metavar="N", parser=WholeNumber(lowest=1), help="So many orders a second at most."
        ),
    ] = None,
) -> None:
    """Move finished orders from the database to the end of a file.

    Finished are cancelled, returned, delivered, shipped, rejected and failed orders. A run that was ended at any point
    is run again with the same file. Idempotency keys stay, so no late repetition buys twice.
    """
    untouched = read_duration(older_than)
    with session.oms() as oms, progress("archiving") as report:
        result = oms.archive.write(
            file,
            untouched=untouched,
            caller=session.caller,
            progress=report,
            pause=None if rate is None else _pace(rate),
        )
    kept = f"; {counted(result.kept, 'order')} stay, for now" if result.kept else ""
    session.output.sentence(f"archived {counted(result.archived, 'order')}{kept}")
    if not session.output.is_table:
        session.output.record(_REPORT, result)


def show_archived_orders(
    session: Session,
    *,
    file: FileArgument,
    order_id: Annotated[str | None, typer.Argument(metavar="ID", help="The order; all if not given.")] = None,
    limit: LimitOption = LIMIT_DEFAULT,
    everything: AllOption = False,
) -> None:
    """Look into an archive: list its orders as they have left, or show one with its ledger rows and history."""
    with session.oms() as oms:
        if order_id is None:
            found = oms.archive.list(file, caller=session.caller)
            shown = session.output.list(_ORDERS, found if everything else islice(found, limit))
            if next(found, None) is not None:
                say(f"{counted(shown, 'order')} of more: --all, or --limit N, shows them")
            return
        archived = oms.archive.get(file, read_order_id(order_id), caller=session.caller)
    if session.output.is_json:
        session.output.document(archived.document)
        return
    if session.output.is_table:
        session.output.record(_ORDERS, archived)
    session.output.list(_LINES, [_Line(shown=line) for line in archived.order["lines"]])


def _pace(orders_per_second: int) -> Callable[[int], None]:
    """Return what waits after a batch so that on average no more orders leave a second."""
    due_at = time.monotonic()

    def wait(orders: int) -> None:
        nonlocal due_at
        due_at = max(due_at, time.monotonic() - 1) + orders / orders_per_second
        time.sleep(max(0.0, due_at - time.monotonic()))

    return wait
