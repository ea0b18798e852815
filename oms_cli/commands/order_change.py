"""`oms orders change`: an order's lines have other quantities, it has further lines, another reference or metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from oms_cli.commands.command import command
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.order_parts import OrderArgument, VersionOption, read_parts
from oms_cli.commands.session import Session
from oms_cli.commands.suggestions import suggesting
from oms_cli.terminal.arguments import read_clearable, read_line
from oms_cli.terminal.exits import usage_error
from oms_cli.views.order_changes import CHANGED, ChangedShown, sentence
from oms_core.domain.change_commands import ChangeOrderLines, LineChange, UpdateOrder
from oms_core.domain.orders.order_changes import Changed

QuantityOption = Annotated[
    list[str] | None,
    typer.Option("--line-no", metavar="N:QTY", help="The units that the order's Nth line is to have; 0 removes it."),
]
FurtherOption = Annotated[
    list[str] | None, typer.Option("--line", metavar="SKU:QTY[@PRICE]", help="A further line; repeatable.")
]
ReferenceOption = Annotated[
    str | None, typer.Option("--reference", metavar="R", help="The customer's number; none clears it.")
]
MetadataOption = Annotated[
    list[str] | None,
    typer.Option("--metadata", metavar="NAME=VALUE", help="An entry; without VALUE it is removed; repeatable."),
]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="R", help="Why, for the history; with lines.")]
DryRunFlag = Annotated[
    bool, typer.Option("--dry-run", help="With lines: tell what would become of the order, change nothing.")
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="K", help="Idempotency key, with lines: with the same key it is done once."),
]


def register(app: typer.Typer) -> None:
    """Add `change` to the orders' commands."""
    command(app, "change")(change)


def change(
    session: Session,
    order: OrderArgument,
    *,
    line_nos: QuantityOption = None,
    further: FurtherOption = None,
    reference: ReferenceOption = None,
    metadata: MetadataOption = None,
    reason: ReasonOption = None,
    dry_run: DryRunFlag = False,
    key: KeyOption = None,
    if_version: VersionOption = None,
) -> None:
    """Change the lines of an order, all or nothing, or its reference and metadata.

    What it has reserved follows its lines: what is more is checked and reserved, what is less is released. A price that
    was agreed stays.
    """
    lines, entries = _read_lines(line_nos, further), _read_metadata(metadata or [])
    _check_call(lines, of_details=reference is not None or bool(entries))
    for_lines: dict[str, Any] = {"reason": reason, "dry_run": dry_run, "idempotency_key": key}
    if not lines and (reason is not None or dry_run or key is not None):
        usage_error("--reason, --dry-run and --key are for changes of lines")
    if dry_run and key is not None:
        usage_error("--dry-run does nothing, so it takes no --key")
    with session.oms() as oms, suggesting(oms, session.caller, [line.sku for line in lines if line.sku]):
        order_id = OrderNames(oms, session.caller).order(order).id
        before = oms.orders.get(order_id, caller=session.caller)  # What a reference finds may be a replica's.
        if lines:
            wanted = ChangeOrderLines(order_id=order_id, lines=lines, if_version=if_version, **for_lines)
            changed = oms.changes.lines(wanted, caller=session.caller)
        else:
            given = read_clearable(reference)
            update = UpdateOrder(order_id=order_id, reference=given, metadata=entries, if_version=if_version)
            changed = Changed(order=oms.changes.details(update, caller=session.caller))
    shown = ChangedShown(before=before, order=changed.order, replayed=changed.replayed, dry_run=dry_run)
    session.output.sentence(sentence(shown))
    if not session.output.is_table:
        session.output.record(CHANGED, shown)


def _check_call(lines: Sequence[LineChange], *, of_details: bool) -> None:
    if lines and of_details:
        usage_error("lines and details are changed by two transactions: give --reference and --metadata on their own")
    if not lines and not of_details:
        usage_error("say what to change: --line-no or --line, or --reference or --metadata")


def _read_lines(line_nos: Sequence[str] | None, further: Sequence[str] | None) -> list[LineChange]:
    present = [LineChange(**part) for part in read_parts(None, line_nos)]
    added = [read_line(text) for text in further or []]
    return present + [LineChange(sku=line.sku, quantity=line.quantity, unit_price=line.unit_price) for line in added]


def _read_metadata(texts: Sequence[str]) -> dict[str, str | None]:
    """Read NAME=VALUE; None for the entries that are to be removed."""
    entries: dict[str, str | None] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{text!r} is no entry such as channel=web, or channel= to remove it")
        if name in entries:
            raise typer.BadParameter(f"{name!r} is given twice")
        entries[name] = value or None
    return entries
