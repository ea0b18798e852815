"""`oms inventory export`: all stock as a file that `oms inventory import` reads."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from oms_cli.commands.command import command
from oms_cli.commands.session import Session
from oms_cli.terminal.exits import usage_error
from oms_cli.terminal.files import open_new_file
from oms_cli.terminal.messages import counted, say
from oms_cli.terminal.output import OutputFormat, write_csv, write_json_lines
from oms_cli.terminal.progress import Report, nothing, progress
from oms_cli.terminal.view import Column, View
from oms_core.domain.stock.products import Product, ProductFilter

_JSONL_SUFFIXES = frozenset({".jsonl", ".ndjson"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What is on hand of one product at one location: a row of the file."""

    sku: str
    quantity: int
    location: str
    name: str


_COUNTS: View[Count] = View(
    columns=(
        Column(name="sku", value=lambda count: count.sku),
        Column(name="quantity", value=lambda count: count.quantity),
        Column(name="location", value=lambda count: count.location),
        Column(name="name", value=lambda count: count.name),
    ),
    document=lambda count: {
        "sku": count.sku,
        "quantity": count.quantity,
        "location": count.location,
        "name": count.name,
    },
)


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
    yes: Annotated[bool, typer.Option("--yes", help="Replace FILE without asking.")] = False,
) -> None:
    """Write what is on hand of every product at every location, as `oms inventory import` reads it.

    As CSV, or with -o jsonl (or a FILE of that name) as JSON Lines: sku, quantity, location, name.
    """
    write = write_json_lines if _format(session, file) is OutputFormat.JSONL else write_csv
    # A bar between the lines of a terminal would only disturb them.
    showing = nothing if file == "-" and sys.stdout.isatty() else progress
    with session.oms() as oms, open_new_file(file, overwrite=yes) as stream, showing("exporting") as report:
        counts = Counts(oms.stock.export(caller=session.caller, wanted=ProductFilter(low_stock=low_stock)), report)
        rows = write(_COUNTS, iter(counts), stream)
    if counts.uncounted:
        say(f"left out: {counted(counts.uncounted, 'product')} without a count anywhere")
    if file != "-":
        say(f"wrote {counted(rows, 'row')} to {file}")


class Counts:
    """The counts of products as they come. `uncounted` tells afterwards how many products had none."""

    def __init__(self, products: Iterable[Product], report: Report) -> None:
        self._products = products
        self._report = report
        self.uncounted = 0

    def __iter__(self) -> Iterator[Count]:
        for done, product in enumerate(self._products, start=1):
            self._report(done)
            self.uncounted += not product.levels
            for level in product.levels:
                yield Count(sku=product.sku, quantity=level.on_hand, location=level.location, name=product.name)


def _format(session: Session, file: str) -> OutputFormat:
    asked = session.given.output
    if asked is None:
        return OutputFormat.JSONL if Path(file).suffix in _JSONL_SUFFIXES else OutputFormat.CSV
    if asked not in {OutputFormat.CSV, OutputFormat.JSONL}:
        usage_error(f"an export is csv or jsonl, not {asked}; `oms inventory list` shows tables")
    return asked
