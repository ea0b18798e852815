"""`oms orders`: list, show and move orders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from oms_cli.commands.command import command, command_group
from oms_cli.commands.order_ids import IdsArgument, move_together, read_batches
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.paging import AllOption, LimitOption, Pages, say_more
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import (
    complete_error_codes,
    complete_settable,
    complete_statuses,
    read_status,
)
from oms_cli.views.orders import EVENTS, LINES, ORDER, OrderShown, lines_shown
from oms_core.domain.orders.bulk_changes import ChangeOrderStatuses
from oms_core.domain.orders.statuses import OrderStatus

app = command_group("orders", "Orders: place, hold, find, change, ship, return, move, cancel, retry, archive.")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The order.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="R", help="Why, for the history.")]
StatusesOption = Annotated[
    list[str] | None,
    typer.Option("--status", metavar="S[,S...]", help="In any of these statuses.", autocompletion=complete_statuses),
]
CustomerOption = Annotated[str | None, typer.Option("--customer", metavar="C", help="Of this customer.")]
SkuOption = Annotated[str | None, typer.Option("--sku", metavar="SKU", help="With a line of this product.")]
FailureOption = Annotated[
    str | None,
    typer.Option(
        "--failure",
        metavar="CODE",
        help="Rejected, failed or to be tried again for this reason.",
        autocompletion=complete_error_codes,
    ),
]


@command(app, "show")
def show_order(session: Session, order_id: IdArgument) -> None:
    """Show an order with its lines, and its place while it is queued; as CSV, a row per line.

    It is named by its id, by the beginning of it that a table shows, or by its reference.
    """
    with session.oms() as oms:
        order = OrderNames(oms, session.caller).order(order_id)
        served = oms.orders.allocations([order.id], caller=session.caller).get(order.id, ())
        shown = OrderShown(order=order, place=oms.queue.place_of(order), allocations=served)
    if session.output.is_json:
        session.output.document(ORDER.document(shown))
        return
    if session.output.is_table:
        session.output.record(ORDER, shown)
    session.output.list(LINES, lines_shown(order, served))


@command(app, "events")
def list_events(session: Session, order_id: IdArgument, limit: LimitOption = 50, everything: AllOption = False) -> None:
    """List an order's history, oldest first."""
    with session.oms() as oms:
        wanted = OrderNames(oms, session.caller).order_id(order_id)
        pages = Pages(partial(oms.orders.events, wanted, caller=session.caller), limit=None if everything else limit)
        shown = session.output.list(EVENTS, pages)
    say_more(pages, shown)


@command(app, "set-status")
def set_status(
    session: Session,
    status: Annotated[
        str, typer.Argument(metavar="STATUS", help="Where to, in any case.", autocompletion=complete_settable)
    ],
    ids: IdsArgument,
    reason: ReasonOption = None,
) -> None:
    """Move orders to a status: processing, shipped, delivered, cancelled or returned.

    Every order has its own outcome; one that is there already stays as it is. Some 500 are moved in a transaction.
    """
    _move(session, ids, read_status(status), reason)


@command(app, "cancel")
def cancel(session: Session, ids: IdsArgument, reason: ReasonOption = None) -> None:
    """Cancel orders that have not shipped, and release what they hold. Some 500 are cancelled in a transaction."""
    _move(session, ids, OrderStatus.CANCELLED, reason)


def _move(session: Session, ids: Sequence[str], target: OrderStatus, reason: str | None) -> None:
    with session.oms() as oms:
        move_together(
            read_batches(ids),
            lambda order_ids: oms.orders.change_many(
                ChangeOrderStatuses(order_ids=order_ids, status=target, reason=reason), caller=session.caller
            ),
            session.output,
            OrderNames(oms, session.caller),
        )
