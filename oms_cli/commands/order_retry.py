"""`oms orders retry`: orders that were given up go back to the queue, some by id or all that a filter finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from oms_cli.commands.command import command
from oms_cli.commands.order_ids import move_each, read_ids
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.orders import CustomerOption, FailureOption, ReasonOption, SkuOption
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import WholeNumber, complete_statuses, read_statuses
from oms_cli.terminal.exits import usage_error
from oms_cli.terminal.messages import counted, say
from oms_cli.terminal.view import Column, View
from oms_core.domain.commands import RetryOrder
from oms_core.domain.limits import RETRY_ORDERS_MAX
from oms_core.domain.orders.order import Order, OrderFilter

if TYPE_CHECKING:
    from oms_core import RetryReport

_REPORT: View[RetryReport] = View(
    columns=(
        Column(name="retried", value=lambda report: report.retried, right=True),
        Column(name="refused", value=lambda report: report.refused, right=True),
        Column(name="more", value=lambda report: "true" if report.more else "false"),
    ),
    document=lambda report: {"retried": report.retried, "refused": report.refused, "more": report.more},
)


StatusOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="S[,S...]",
        help="With --all: failed, rejected or expired ones; failed and rejected if not given.",
        autocompletion=complete_statuses,
    ),
]
NewestOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        parser=WholeNumber(lowest=1, highest=RETRY_ORDERS_MAX),
        help="With --all: the newest N, 1,000 if not given.",
    ),
]


KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="K", help="Idempotency key, with one id: with the same key it is retried once."),
]
VersionOption = Annotated[
    int | None,
    typer.Option(
        "--if-version",
        metavar="N",
        parser=WholeNumber(lowest=1),
        help="With one id: refuse unless the order is at version N now.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `retry` to the orders' commands."""
    command(app, "retry")(retry)


def retry(
    session: Session,
    *,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...|-", help="Order ids; - reads them from stdin.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All rejected and failed orders that the rest names.")
    ] = False,
    status: StatusOption = None,
    failure: FailureOption = None,
    customer: CustomerOption = None,
    sku: SkuOption = None,
    limit: NewestOption = None,
    reason: ReasonOption = None,
    key: KeyOption = None,
    if_version: VersionOption = None,
) -> None:
    """Queue rejected, failed and expired orders again, each as new: without its failure and its attempts."""
    _check(ids, everything=everything, narrowing=(status, failure, customer, sku, limit), guards=(key, if_version))

    def retry_one(order_id: UUID) -> Order:
        command = RetryOrder(order_id=order_id, reason=reason, if_version=if_version, idempotency_key=key)
        retried = oms.orders.retry(command, caller=session.caller)
        if retried.replayed:
            say("it was retried before with this key")
        return retried.order

    if ids:
        with session.oms() as oms:
            move_each(read_ids(ids), retry_one, session.output, OrderNames(oms, session.caller))
        return
    wanted = OrderFilter(statuses=read_statuses(status or []), failure_code=failure, customer_id=customer, sku=sku)
    with session.oms() as oms:
        report = oms.orders.retry_many(wanted, caller=session.caller, reason=reason, limit=limit or RETRY_ORDERS_MAX)
    session.output.sentence(_sentence(report))
    if not session.output.is_table:
        session.output.record(_REPORT, report)


def _check(ids: list[str] | None, *, everything: bool, narrowing: Sequence[object], guards: Sequence[object]) -> None:
    """Refuse options that do not go together."""
    if everything == bool(ids):
        usage_error("give order ids, - for stdin, or --all")
    if not everything and any(given is not None for given in narrowing):
        usage_error("--status, --failure, --customer, --sku and --limit choose among --all")
    if (ids is None or len(ids) != 1 or ids == ["-"]) and any(given is not None for given in guards):
        usage_error("--key and --if-version are for one id")


def _sentence(report: RetryReport) -> str:
    """Say what became of them: `retried 12 orders; 1 had changed meanwhile; there are more`."""
    parts = [f"retried {counted(report.retried, 'order')}"]
    if report.refused:
        parts.append(f"{report.refused:,} had changed meanwhile")
    if report.more:
        parts.append("there are more: repeat it")
    return "; ".join(parts)
