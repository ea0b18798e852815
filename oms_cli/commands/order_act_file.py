"""The acts of a file: `--file` of `oms orders ship` and `oms orders return`, and `--mode transfer` of an import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import typer

from oms_cli.commands.import_files import import_run, read_columns, read_delimiter
from oms_cli.commands.session import Session
from oms_cli.terminal.exits import PARTLY_APPLIED, usage_error
from oms_cli.terminal.messages import counted
from oms_cli.terminal.view import Column, View
from oms_core.domain.import_commands import ActImportReport, ImportActs, ImportFormat

if TYPE_CHECKING:
    from oms_core import Oms

Report = TypeVar("Report", bound=ActImportReport)

FileOption = Annotated[
    str | None,
    typer.Option(
        "--file", metavar="FILE|-", help="Many of them as CSV or JSON Lines, also compressed with gzip; - is stdin."
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOfActs(Generic[Report]):
    """What a file may hold: the noun of an act, its import, how its report is shown, and what a row says of an act."""

    noun: str
    command: type[ImportActs]
    imports: Callable[[Oms], Callable[..., Report]]
    document: Callable[[Report], Mapping[str, object]]
    told: str

    @property
    def view(self) -> View[Report]:
        """How a report is shown."""
        return View(
            columns=(
                Column(name=f"{self.noun}s", value=lambda report: report.count),
                Column(name="made", value=lambda report: report.made),
                Column(name="replayed", value=lambda report: report.replayed),
                Column(name="refused", value=lambda report: report.refused),
                Column(name="blank", value=lambda report: report.blank),
                Column(name="seconds", value=lambda report: f"{report.seconds:.3f}"),
            ),
            document=self.document,
        )

    def check_call(
        self, order: str | None, file: str | None, of_one: Mapping[str, object], of_file: FileOptions
    ) -> None:
        """Refuse a call that gives both an order and a file, or neither, or the options of the other."""
        if (order is None) == (file is None):
            usage_error("name an order, or give a file with --file")
        if file is not None and any(given is not None for given in of_one.values()):
            usage_error(f"with --file, each {self.noun} says in the file {self.told}")
        if file is None and of_file.given:
            usage_error("--map, --format, --delimiter, --encoding, --skip-bad, --rejects and --yes are for --file")

    def run(self, session: Session, file: str, options: FileOptions, *, key: str | None) -> None:
        """Do what a file says, and tell what became of it."""
        wanted = self.command(
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
            report = self.imports(oms)(
                wanted, run.source, caller=session.caller, rejects=run.rejects, progress=run.progress
            )
        self._end(session, report)

    def _end(self, session: Session, report: Report) -> None:
        session.output.sentence(
            f"made {counted(report.made, self.noun)} of {report.count:,} in {report.seconds:.1f} s: "
            f"{report.replayed:,} made before, {report.refused:,} refused"
        )
        if report.blank:
            session.output.sentence(f"passed over {counted(report.blank, 'empty row')}")
        if not session.output.is_table:
            session.output.record(self.view, report)
        if report.refused:
            raise typer.Exit(PARTLY_APPLIED)
