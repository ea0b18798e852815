"""`oms orders retry`: rejected and failed orders go back to the queue, some by id or all that a filter finds."""

from __future__ import annotations

from typing import Annotated

import typer

from oms_cli.arguments import WholeNumber, complete_statuses, read_statuses
from oms_cli.command import command, usage_error
from oms_cli.order_ids import move_each, read_ids
from oms_cli.orders import CustomerOption, FailureOption, ReasonOption, SkuOption
from oms_cli.session import Session
from oms_cli.views import Column, View, counted
from oms_core.domain.limits import RETRY_ORDERS_MAX
from oms_core.domain.orders import OrderFilter
from oms_core.use_cases.retry_orders import RetryReport

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
        help="With --all: failed or rejected ones.",
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
) -> None:
    """Queue rejected and failed orders again, each as new: without its failure and its attempts."""
    narrowing = (status, failure, customer, sku, limit)
    if everything == bool(ids):
        usage_error("give order ids, - for stdin, or --all")
    if not everything and any(given is not None for given in narrowing):
        usage_error("--status, --failure, --customer, --sku and --limit choose among --all")
    if ids:
        with session.oms() as oms:
            move_each(
                read_ids(ids),
                lambda order_id: oms.retry_order(order_id, caller=session.caller, reason=reason),
                session.output,
            )
        return
    wanted = OrderFilter(statuses=read_statuses(status or []), failure_code=failure, customer_id=customer, sku=sku)
    with session.oms() as oms:
        report = oms.retry_orders(wanted, caller=session.caller, reason=reason, limit=limit or RETRY_ORDERS_MAX)
    session.output.sentence(_sentence(report))
    if not session.output.is_table:
        session.output.record(_REPORT, report)


def _sentence(report: RetryReport) -> str:
    """Say what became of them: `retried 12 orders; 1 had changed meanwhile; there are more`."""
    parts = [f"retried {counted(report.retried, 'order')}"]
    if report.refused:
        parts.append(f"{report.refused:,} had changed meanwhile")
    if report.more:
        parts.append("there are more: repeat it")
    return "; ".join(parts)
