"""`oms inventory import --mode transfer`: moves between locations from a file."""

from __future__ import annotations

from collections.abc import Mapping

from oms_cli.commands.order_act_file import FileOfActs, FileOptions
from oms_cli.commands.session import Session
from oms_cli.terminal.exits import usage_error
from oms_core.documents.import_reports import show_transfer_import
from oms_core.domain.transfer_imports import ImportTransfers, TransferImportReport

_MOVES: FileOfActs[TransferImportReport] = FileOfActs(
    noun="transfer",
    command=ImportTransfers,
    imports=lambda oms: oms.imports.transfers,
    document=show_transfer_import,
    told="what moves, and where to",
)


def move_by_file(
    session: Session, file: str, options: FileOptions, *, key: str | None, of_counts: Mapping[str, object]
) -> None:
    """Make the transfers of a file. `of_counts` are options that were given and that only counts have."""
    if of_counts:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in of_counts)
        usage_error(f"{named}: not with --mode transfer")
    _MOVES.run(session, file, options, key=key)
