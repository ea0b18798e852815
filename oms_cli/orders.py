"""`oms orders`: list, show and move orders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from oms_cli.arguments import (
    complete_error_codes,
    complete_settable,
    complete_statuses,
    read_duration,
    read_order_id,
    read_status,
    read_statuses,
    read_time,
)
from oms_cli.command import command, command_group, usage_error
from oms_cli.order_ids import IdsArgument, move_each, read_ids
from oms_cli.order_views import EVENTS, LINES, ORDER, ORDERS, OrderShown, lines_shown
from oms_cli.pages import AllOption, LimitOption, paged, say_if_more
from oms_cli.session import Session
from oms_core.domain.commands import ChangeOrderStatus
from oms_core.domain.orders import OrderFilter

app = command_group("orders", "Orders: place, find, move, cancel, retry.")

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
IdsFlag = Annotated[
    bool, typer.Option("--ids", help="Print nothing but the ids, one a line, for `oms orders cancel -`.")
]


@command(app, "list")
def list_orders(
    session: Session,
    *,
    status: StatusesOption = None,
    customer: CustomerOption = None,
    sku: SkuOption = None,
    reference: Annotated[str | None, typer.Option("--reference", metavar="R", help="With this reference.")] = None,
    failure: FailureOption = None,
    created_from: Annotated[
        str | None, typer.Option("--created-from", metavar="TIME", help="Placed then or later (ISO 8601, UTC).")
    ] = None,
    created_to: Annotated[
        str | None, typer.Option("--created-to", metavar="TIME", help="Placed before then (ISO 8601, UTC).")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Placed longer ago than 30m, 2h, 7d ...")
    ] = None,
    ids: IdsFlag = False,
    limit: LimitOption = 50,
    everything: AllOption = False,
) -> None:
    """List orders, newest first."""
    if ids and not session.output.is_table:
        usage_error("--ids writes plain lines: leave out -o")
    wanted = OrderFilter(
        statuses=read_statuses(status or []),
        customer_id=customer,
        sku=sku,
        reference=reference,
        failure_code=failure,
        created_from=None if created_from is None else read_time(created_from),
        created_to=_created_to(session, created_to, older_than),
    )
    with session.oms() as oms:
        pages = paged(
            lambda cursor, size: oms.list_orders(wanted, caller=session.caller, cursor=cursor, limit=size),
            limit=None if everything else limit,
        )
        shown = session.output.lines(str(order.id) for order in pages) if ids else session.output.list(ORDERS, pages)
    say_if_more(pages, shown)


@command(app, "show")
def show_order(session: Session, order_id: IdArgument) -> None:
    """Show an order with its lines, and its place while it is queued; as CSV, a row per line."""
    with session.oms() as oms:
        order = oms.get_order(read_order_id(order_id), caller=session.caller)
        shown = OrderShown(order=order, place=oms.queue_place(order))
    if session.output.is_json:
        session.output.document(ORDER.document(shown))
        return
    if session.output.is_table:
        session.output.record(ORDER, shown)
    session.output.list(LINES, lines_shown(order))


@command(app, "events")
def list_events(session: Session, order_id: IdArgument, limit: LimitOption = 50, everything: AllOption = False) -> None:
    """List an order's history, oldest first."""
    wanted = read_order_id(order_id)
    with session.oms() as oms:
        pages = paged(
            lambda cursor, size: oms.list_order_events(wanted, caller=session.caller, cursor=cursor, limit=size),
            limit=None if everything else limit,
        )
        shown = session.output.list(EVENTS, pages)
    say_if_more(pages, shown)


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

    Every order is moved on its own and has its own outcome; one that is there already stays as it is.
    """
    target = read_status(status)
    with session.oms() as oms:
        move_each(
            read_ids(ids),
            lambda order_id: oms.change_order_status(
                ChangeOrderStatus(order_id=order_id, status=target, reason=reason), caller=session.caller
            ),
            session.output,
        )


@command(app, "cancel")
def cancel(session: Session, ids: IdsArgument, reason: ReasonOption = None) -> None:
    """Cancel orders that have not shipped, and release what they hold."""
    with session.oms() as oms:
        move_each(
            read_ids(ids),
            lambda order_id: oms.cancel_order(order_id, reason=reason, caller=session.caller),
            session.output,
        )


def _created_to(session: Session, created_to: str | None, older_than: str | None) -> datetime | None:
    """Combine --created-to and --older-than: the earlier of both."""
    bounds = [] if created_to is None else [read_time(created_to)]
    if older_than is not None:
        try:
            bounds.append(session.surroundings.now() - read_duration(older_than))
        except OverflowError:
            usage_error(f"--older-than {older_than} is before the year 1")
    return min(bounds, default=None)
