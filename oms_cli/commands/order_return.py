"""`oms orders return`: units of an order come back, or those of a file's orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from oms_cli.commands.command import command
from oms_cli.commands.import_files import FormatOption, MapOption, SkipBadFlag
from oms_cli.commands.import_rejects import RejectsOption, YesFlag
from oms_cli.commands.order_act_file import DelimiterOption, EncodingOption, FileOfActs, FileOption, FileOptions
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.order_parts import (
    KeyOption,
    LineOption,
    OrderOrFileArgument,
    ReferenceOption,
    SkuOption,
    VersionOption,
    read_parts,
)
from oms_cli.commands.session import Session
from oms_cli.terminal.exits import usage_error
from oms_cli.views.order_returns import RETURNS, sentence
from oms_core.documents.import_reports import show_return_import
from oms_core.domain.import_commands import ImportReturns
from oms_core.domain.orders.returns import Disposition, ReturnLine
from oms_core.domain.return_commands import CreateReturn

DispositionOption = Annotated[
    Disposition | None,
    typer.Option(
        "--disposition",
        case_sensitive=False,
        show_default="restock",
        help="What becomes of the units of --line and --line-no; a missing one never came.",
    ),
]
LocationOption = Annotated[
    str | None,
    typer.Option(
        "--location", metavar="L", show_default="where they left", help="Where these go, to be sold or in quarantine."
    ),
]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="R", help="Why, for the history.")]
_FILE = FileOfActs(
    noun="return",
    command=ImportReturns,
    imports=lambda oms: oms.imports.returns,
    document=show_return_import,
    told="what came back and why",
)


def register(app: typer.Typer) -> None:
    """Add `return` to the orders' commands."""
    command(app, "return")(return_units)


def return_units(
    session: Session,
    order: OrderOrFileArgument = None,
    *,
    file: FileOption = None,
    skus: SkuOption = None,
    line_nos: LineOption = None,
    disposition: DispositionOption = None,
    location: LocationOption = None,
    reference: ReferenceOption = None,
    reason: ReasonOption = None,
    key: KeyOption = None,
    if_version: VersionOption = None,
    maps: MapOption = None,
    format: FormatOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    skip_bad: SkipBadFlag = False,
    rejects: RejectsOption = None,
    yes: YesFlag = False,
) -> None:
    """Take back units of an order: those of --line and --line-no, or all that is still out, to be sold again.

    With --file, the returns of a file, some 500 orders in a transaction. CSV has a row per return, or one for each of
    its lines: idempotency_key,order_id,line_no,sku,quantity,disposition,location,reference,reason. The reference stands
    in for a missing key, so running the same file again is harmless.
    """
    parts = read_parts(skus, line_nos)
    told = {"lines": parts or None, "disposition": disposition, "location": location}
    of_one = {"reference": reference, "reason": reason, "if_version": if_version}
    of_file = FileOptions(
        maps=maps, format=format, delimiter=delimiter, encoding=encoding, skip_bad=skip_bad, rejects=rejects, yes=yes
    )
    _FILE.check_call(order, file, {**told, **of_one}, of_file)
    if file is not None:
        _FILE.run(session, file, of_file, key=key)
        return
    lines = _lines(parts, disposition, location)
    _return_one(session, order or "", {"lines": lines, **of_one, "idempotency_key": key})


def _lines(
    parts: Sequence[Mapping[str, Any]], disposition: Disposition | None, location: str | None
) -> list[ReturnLine] | None:
    if parts:
        became = Disposition.RESTOCK if disposition is None else disposition
        return [ReturnLine(**part, disposition=became, location=location) for part in parts]
    if disposition is not None or location is not None:
        usage_error("--disposition and --location are of units that --line or --line-no names")
    return None


def _return_one(session: Session, order: str, given: Mapping[str, Any]) -> None:
    with session.oms() as oms:
        wanted = CreateReturn(order_id=OrderNames(oms, session.caller).order(order).id, **given)
        made = oms.returns.create(wanted, caller=session.caller)
    session.output.sentence(sentence(made))
    if not session.output.is_table:
        session.output.record(RETURNS, made)
