"""`oms orders export`: orders as a file, a row a line of an order, or a document an order."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from oms_cli.commands.command import command
from oms_cli.commands.exporting import YesOption, export_format, row_view
from oms_cli.commands.order_list import (
    FromOption,
    NewerOption,
    OlderOption,
    ReferenceOption,
    TodayFlag,
    ToOption,
    read_created_from,
    read_created_to,
)
from oms_cli.commands.orders import CustomerOption, FailureOption, SkuOption, StatusesOption
from oms_cli.commands.paging import say_replica_lag
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import read_statuses
from oms_cli.terminal.files import open_new_file
from oms_cli.terminal.messages import counted, say
from oms_cli.terminal.output import OutputFormat, write_csv, write_json_lines
from oms_cli.terminal.progress import Report, nothing, progress
from oms_cli.views.orders import ORDERS
from oms_core.documents.exports import ORDER_EXPORT_COLUMNS, order_export_rows
from oms_core.domain.orders.order import Order, OrderFilter

_ROWS = row_view(ORDER_EXPORT_COLUMNS)


def register(app: typer.Typer) -> None:
    """Add `export` to the orders' commands."""
    command(app, "export")(export_orders)


def export_orders(
    session: Session,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Where to; - is stdout.")] = "-",
    status: StatusesOption = None,
    customer: CustomerOption = None,
    sku: SkuOption = None,
    reference: ReferenceOption = None,
    failure: FailureOption = None,
    created_from: FromOption = None,
    created_to: ToOption = None,
    newer_than: NewerOption = None,
    older_than: OlderOption = None,
    today: TodayFlag = False,
    yes: YesOption = False,
) -> None:
    """Write orders with their lines, the oldest first.

    As CSV with a row for each line, or with -o jsonl (or a FILE of that name) as JSON Lines, one order a line.
    """
    format = export_format(session, file, see="oms orders list")
    wanted = OrderFilter(
        statuses=read_statuses(status or []),
        customer_id=customer,
        sku=sku,
        reference=reference,
        failure_code=failure,
        created_from=read_created_from(session, created_from, newer_than, today),
        created_to=read_created_to(session, created_to, older_than),
        oldest_first=True,
    )
    _write(session, wanted, file, format, yes)


def _write(session: Session, wanted: OrderFilter, file: str, format: OutputFormat, overwrite: bool) -> None:
    # A bar between the lines of a terminal would only disturb them.
    showing = nothing if file == "-" and sys.stdout.isatty() else progress
    with session.oms() as oms, open_new_file(file, overwrite=overwrite) as stream, showing("exporting") as report:
        found = oms.orders.export(wanted, caller=session.caller)
        orders = _Counted(found, report)
        if format is OutputFormat.JSONL:
            write_json_lines(ORDERS, iter(orders), stream)
        else:
            write_csv(_ROWS, (row for order in orders for row in order_export_rows(order)), stream)
    if file != "-":
        say(f"wrote {counted(orders.count, 'order')} to {file}")
    say_replica_lag(found.replica_lag_seconds)


class _Counted:
    """Orders as they come. `count` tells how many came so far."""

    def __init__(self, orders: Iterable[Order], report: Report) -> None:
        self._orders = orders
        self._report = report
        self.count = 0

    def __iter__(self) -> Iterator[Order]:
        for order in self._orders:
            self.count += 1
            self._report(self.count)
            yield order
