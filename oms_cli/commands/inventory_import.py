"""`oms inventory import`: counts or differences of stock, or moves between locations, from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from oms_cli.commands.command import command
from oms_cli.commands.import_files import (
    DelimiterOption,
    DryRunFlag,
    EncodingOption,
    FileArgument,
    FormatOption,
    MapOption,
    SkipBadFlag,
    import_run,
    read_columns,
    read_delimiter,
)
from oms_cli.commands.import_rejects import RejectsOption, YesFlag
from oms_cli.commands.inventory_moves import move_by_file
from oms_cli.commands.order_act_file import FileOptions
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import WHOLE_NUMBER
from oms_cli.terminal.exits import PARTLY_APPLIED
from oms_cli.terminal.messages import counted
from oms_cli.terminal.view import Column, View
from oms_core.documents.import_reports import show_stock_import
from oms_core.domain.import_commands import ImportMode, ImportStock, StockImportReport
from oms_core.domain.limits import IMPORT_BATCH_ROWS_DEFAULT

_REPORT: View[StockImportReport] = View(
    columns=(
        Column(name="rows", value=lambda report: report.rows),
        Column(name="applied", value=lambda report: report.applied),
        Column(name="unchanged", value=lambda report: report.unchanged),
        Column(name="rejected", value=lambda report: report.rejected),
        Column(name="replayed", value=lambda report: report.replayed),
        Column(name="blank", value=lambda report: report.blank),
        Column(name="created", value=lambda report: report.created),
        Column(name="created_skus", value=lambda report: " ".join(report.created_skus)),
        Column(name="new_locations", value=lambda report: " ".join(report.new_locations)),
        Column(name="seconds", value=lambda report: f"{report.seconds:.3f}"),
    ),
    document=show_stock_import,
)


class Mode(StrEnum):
    """What a quantity means: an absolute count, a signed difference, or units that move to another location."""

    SET = "set"
    ADJUST = "adjust"
    TRANSFER = "transfer"


ModeOption = Annotated[
    Mode, typer.Option("--mode", case_sensitive=False, help="Whether quantities are counts, differences, or moves.")
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        metavar="N",
        parser=WHOLE_NUMBER,
        show_default=str(IMPORT_BATCH_ROWS_DEFAULT),
        help="Rows per transaction: no sale waits longer than for one.",
    ),
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="R", help="Why, for rows that have no reason of their own.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key", metavar="K", help="Makes it repeatable; adjust needs one; for transfers, with their line."
    ),
]

ExistingOnlyFlag = Annotated[
    bool, typer.Option("--existing-only", help="Refuse SKUs and locations that are not there yet.")
]


def register(app: typer.Typer) -> None:
    """Add `import` to the inventory's commands."""
    command(app, "import")(import_stock)


def import_stock(
    session: Session,
    *,
    file: FileArgument,
    mode: ModeOption = Mode.SET,
    mapping: MapOption = None,
    format: FormatOption = None,
    delimiter: DelimiterOption = ",",
    encoding: EncodingOption = "utf-8",
    batch_size: BatchSizeOption = None,
    skip_bad: SkipBadFlag = False,
    dry_run: DryRunFlag = False,
    existing_only: ExistingOnlyFlag = False,
    reason: ReasonOption = None,
    idempotency_key: KeyOption = None,
    rejects: RejectsOption = None,
    yes: YesFlag = False,
) -> None:
    """Import counts (--mode set) or differences (--mode adjust) of stock, or moves between locations (--mode transfer).

    CSV has a header of sku,quantity[,location,name,reason,reference], JSON Lines these members. All is checked first:
    a malformed row stops the import before anything changes. Rows that the present stock refuses do not stop it.
    Moves have sku,from,to,quantity[,reason,reference,idempotency_key], and are made one by one.
    """
    of_file = FileOptions(
        maps=mapping, format=format, delimiter=delimiter, encoding=encoding, skip_bad=skip_bad, rejects=rejects, yes=yes
    )
    of_counts = {"batch_size": batch_size, "dry_run": dry_run, "existing_only": existing_only, "reason": reason}
    given = {name: value for name, value in of_counts.items() if value is not None and value is not False}
    if mode is Mode.TRANSFER:
        move_by_file(session, file, of_file, key=idempotency_key, of_counts=given)
    else:
        _count_by_file(session, file, of_file, mode=ImportMode(mode), key=idempotency_key, of_counts=given)


def _count_by_file(
    session: Session,
    file: str,
    of_file: FileOptions,
    *,
    mode: ImportMode,
    key: str | None,
    of_counts: Mapping[str, Any],
) -> None:
    wanted = ImportStock(
        mode=mode,
        format=of_file.format,
        columns=read_columns(of_file.maps or []),
        delimiter=read_delimiter("," if of_file.delimiter is None else of_file.delimiter),
        skip_bad=of_file.skip_bad,
        idempotency_key=key,
        **of_counts,
    )
    caller = session.caller
    encoding = "utf-8" if of_file.encoding is None else of_file.encoding
    opened = import_run(session, wanted, file, encoding=encoding, rejects=of_file.rejects, yes=of_file.yes)
    with session.oms() as oms, opened as run:
        report = oms.imports.stock(wanted, run.source, caller=caller, rejects=run.rejects, progress=run.progress)
    _end(session, report, would=wanted.dry_run)


def _end(session: Session, report: StockImportReport, *, would: bool) -> None:
    verb = "imported before with this key:" if report.was_done else "would import" if would else "imported"
    session.output.sentence(
        f"{verb} {counted(report.rows, 'row')} in {report.seconds:.1f} s: {report.applied:,} applied, "
        f"{report.unchanged:,} unchanged, {report.rejected:,} rejected"
    )
    for line in _more(report, "would create" if would else "created"):
        session.output.sentence(line)
    if not session.output.is_table:
        session.output.record(_REPORT, report)
    if report.rejected:
        raise typer.Exit(PARTLY_APPLIED)


def _more(report: StockImportReport, create: str) -> Iterator[str]:
    """Return lines about what the import created, and what it left out."""
    if report.replayed and not report.was_done:
        yield f"went on after {counted(report.replayed, 'row')} of an earlier run"
    if report.created:
        yield f"{create} {counted(report.created, 'product')}{_named(report.created_skus, report.created)}"
    if report.new_locations:
        yield f"new locations{_named(report.new_locations, len(report.new_locations))}"
    if report.blank:
        yield f"passed over {counted(report.blank, 'empty row')}"


def _named(names: Sequence[str], count: int) -> str:
    more = f" and {count - len(names):,} more" if count > len(names) else ""
    return f": {', '.join(names)}{more}" if names else ""
