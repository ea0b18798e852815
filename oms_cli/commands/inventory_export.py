"""`oms inventory export`: all stock as a file that `oms inventory import` reads."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from oms_cli.commands.command import command
from oms_cli.commands.exporting import YesOption, export_format, row_view
from oms_cli.commands.paging import say_replica_lag
from oms_cli.commands.session import Session
from oms_cli.terminal.files import open_new_file
from oms_cli.terminal.messages import counted, say
from oms_cli.terminal.output import OutputFormat, write_csv, write_json_lines
from oms_cli.terminal.progress import Report, nothing, progress
from oms_core.documents.exports import STOCK_EXPORT_COLUMNS, Cells, stock_export_rows
from oms_core.domain.stock.products import Product, ProductFilter

_COUNTS = row_view(STOCK_EXPORT_COLUMNS)


def register(app: typer.Typer) -> None:
    """Add `export` to the inventory's commands."""
    command(app, "export")(export_stock)


def export_stock(
    session: Session,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Where to; - is stdout.")] = "-",
    low_stock: Annotated[
        bool, typer.Option("--low-stock", help="Only products at or below their low-stock threshold.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Write what is on hand of every product at every location, as `oms inventory import` reads it.

    As CSV, or with -o jsonl (or a FILE of that name) as JSON Lines: sku, quantity, location, name.
    """
    write = (
        write_json_lines if export_format(session, file, see="oms inventory list") is OutputFormat.JSONL else write_csv
    )
    # A bar between the lines of a terminal would only disturb them.
    showing = nothing if file == "-" and sys.stdout.isatty() else progress
    with session.oms() as oms, open_new_file(file, overwrite=yes) as stream, showing("exporting") as report:
        products = oms.stock.export(caller=session.caller, wanted=ProductFilter(low_stock=low_stock))
        counts = Counts(products, report)
        rows = write(_COUNTS, iter(counts), stream)
    if counts.uncounted:
        say(f"left out: {counted(counts.uncounted, 'product')} without a count anywhere")
    if file != "-":
        say(f"wrote {counted(rows, 'row')} to {file}")
    say_replica_lag(products.replica_lag_seconds)


class Counts:
    """The counts of products as they come. `uncounted` tells afterwards how many products had none."""

    def __init__(self, products: Iterable[Product], report: Report) -> None:
        self._products = products
        self._report = report
        self.uncounted = 0

    def __iter__(self) -> Iterator[Cells]:
        for done, product in enumerate(self._products, start=1):
            self._report(done)
            self.uncounted += not product.levels
            yield from stock_export_rows(product)
