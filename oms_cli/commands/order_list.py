"""`oms orders list`: orders as a table, a document, or bare ids for another command."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from oms_cli.commands.command import command
from oms_cli.commands.orders import CustomerOption, FailureOption, SkuOption, StatusesOption
from oms_cli.commands.paging import LIMIT_DEFAULT, AllOption, LimitOrNoneOption, Pages, say_more
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import read_duration, read_statuses, read_time
from oms_cli.terminal.exits import usage_error
from oms_cli.views.orders import ORDERS
from oms_core.domain.orders.order import OrderFilter

IdsFlag = Annotated[bool, typer.Option("--ids", help="Print the ids of all, one a line, for `oms orders cancel -`.")]
FromOption = Annotated[
    str | None, typer.Option("--created-from", metavar="TIME", help="Placed then or later (ISO 8601, UTC).")
]
ToOption = Annotated[
    str | None, typer.Option("--created-to", metavar="TIME", help="Placed before then (ISO 8601, UTC).")
]
NewerOption = Annotated[
    str | None, typer.Option("--newer-than", metavar="AGE", help="Placed within the last 30m, 2h, 7d ...")
]
OlderOption = Annotated[
    str | None, typer.Option("--older-than", metavar="AGE", help="Placed longer ago than 30m, 2h, 7d ...")
]
HoldBeforeOption = Annotated[
    str | None, typer.Option("--hold-before", metavar="TIME", help="Held, and until before then (ISO 8601, UTC).")
]
LocationOption = Annotated[
    str | None, typer.Option("--location", metavar="L", help="Open, with units that are reserved at this location.")
]
TodayFlag = Annotated[bool, typer.Option("--today", help="Placed since midnight, UTC.")]
OldestFlag = Annotated[bool, typer.Option("--oldest-first", help="The oldest first, in place of the newest.")]
ReferenceOption = Annotated[str | None, typer.Option("--reference", metavar="R", help="With this reference.")]


def register(app: typer.Typer) -> None:
    """Add `list` to the orders' commands."""
    command(app, "list")(list_orders)


def list_orders(
    session: Session,
    *,
    status: StatusesOption = None,
    customer: CustomerOption = None,
    sku: SkuOption = None,
    reference: ReferenceOption = None,
    failure: FailureOption = None,
    created_from: FromOption = None,
    created_to: ToOption = None,
    newer_than: NewerOption = None,
    older_than: OlderOption = None,
    today: TodayFlag = False,
    hold_before: HoldBeforeOption = None,
    location: LocationOption = None,
    oldest_first: OldestFlag = False,
    ids: IdsFlag = False,
    limit: LimitOrNoneOption = None,
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
        created_from=read_created_from(session, created_from, newer_than, today),
        created_to=read_created_to(session, created_to, older_than),
        hold_before=None if hold_before is None else read_time(hold_before),
        oldest_first=oldest_first,
    )
    shown_max = None if everything or (ids and limit is None) else limit or LIMIT_DEFAULT
    _write(session, wanted, location, limit=shown_max, ids=ids)


def _write(session: Session, wanted: OrderFilter, location: str | None, *, limit: int | None, ids: bool) -> None:
    with session.oms() as oms:
        pages = Pages(partial(oms.orders.list, wanted, location=location, caller=session.caller), limit=limit)
        shown = session.output.lines(str(order.id) for order in pages) if ids else session.output.list(ORDERS, pages)
    say_more(pages, shown)


def read_created_from(
    session: Session, created_from: str | None, newer_than: str | None, today: bool
) -> datetime | None:
    """Combine --created-from, --newer-than and --today: the latest of them."""
    bounds = [] if created_from is None else [read_time(created_from)]
    if newer_than is not None:
        bounds.append(_ago(session, "--newer-than", newer_than))
    if today:
        bounds.append(session.surroundings.now().replace(hour=0, minute=0, second=0, microsecond=0))
    return max(bounds, default=None)


def read_created_to(session: Session, created_to: str | None, older_than: str | None) -> datetime | None:
    """Combine --created-to and --older-than: the earlier of both."""
    bounds = [] if created_to is None else [read_time(created_to)]
    if older_than is not None:
        bounds.append(_ago(session, "--older-than", older_than))
    return min(bounds, default=None)


def _ago(session: Session, option: str, age: str) -> datetime:
    try:
        return session.surroundings.now() - read_duration(age)
    except OverflowError:
        usage_error(f"{option} {age} is before the year 1")
