"""`oms orders ship --file`: the shipments of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from oms_cli.commands.import_files import import_run, read_columns, read_delimiter
from oms_cli.commands.session import Session
from oms_cli.terminal.exits import PARTLY_APPLIED
from oms_cli.terminal.messages import counted
from oms_cli.terminal.view import Column, View
from oms_core.documents.import_reports import show_shipment_import
from oms_core.domain.import_commands import ImportFormat, ImportShipments, ShipmentImportReport

_REPORT: View[ShipmentImportReport] = View(
    columns=(
        Column(name="shipments", value=lambda report: report.shipments),
        Column(name="made", value=lambda report: report.made),
        Column(name="replayed", value=lambda report: report.replayed),
        Column(name="refused", value=lambda report: report.refused),
        Column(name="blank", value=lambda report: report.blank),
        Column(name="seconds", value=lambda report: f"{report.seconds:.3f}"),
    ),
    document=show_shipment_import,
)
FileOption = Annotated[
    str | None,
    typer.Option(
        "--file", metavar="FILE|-", help="Shipments as CSV or JSON Lines, also compressed with gzip; - is stdin."
    ),
]
# Those of the imports have defaults, so that nobody could tell whether they were given.
DelimiterOption = Annotated[
    str | None,
    typer.Option(
        "--delimiter",
        metavar="C",
        show_default="a comma",
        help="What stands between the fields of CSV: one character, or tab.",
    ),
]
EncodingOption = Annotated[
    str | None,
    typer.Option("--encoding", metavar="E", show_default="utf-8", help="Of the file, such as utf-16 or cp1252."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """The options that only a file has, as they were given."""

    maps: Sequence[str] | None
    format: ImportFormat | None
    delimiter: str | None
    encoding: str | None
    skip_bad: bool
    rejects: Path | None
    yes: bool

    @property
    def given(self) -> bool:
        """Whether one of them was given."""
        texts = (self.format, self.delimiter, self.encoding, self.rejects)
        return bool(self.maps or self.skip_bad or self.yes) or any(text is not None for text in texts)


def ship_file(session: Session, file: str, options: FileOptions, *, key: str | None) -> None:
    """Make the shipments of a file, and tell what became of them."""
    wanted = ImportShipments(
        format=options.format,
        columns=read_columns(options.maps or []),
        delimiter="," if options.delimiter is None else read_delimiter(options.delimiter),
        skip_bad=options.skip_bad,
        idempotency_key=key,
    )
    encoding = "utf-8" if options.encoding is None else options.encoding
    with (
        session.oms() as oms,
        import_run(session, wanted, file, encoding=encoding, rejects=options.rejects, yes=options.yes) as run,
    ):
        report = oms.imports.shipments(
            wanted, run.source, caller=session.caller, rejects=run.rejects, progress=run.progress
        )
    _end(session, report)


def _end(session: Session, report: ShipmentImportReport) -> None:
    session.output.sentence(
        f"made {counted(report.made, 'shipment')} of {report.shipments:,} in {report.seconds:.1f} s: "
        f"{report.replayed:,} made before, {report.refused:,} refused"
    )
    if report.blank:
        session.output.sentence(f"passed over {counted(report.blank, 'empty row')}")
    if not session.output.is_table:
        session.output.record(_REPORT, report)
    if report.refused:
        raise typer.Exit(PARTLY_APPLIED)
