"""`oms orders confirm`, `extend` and `expire`: held orders are placed for good, held longer, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from oms_cli.commands.command import command
from oms_cli.commands.order_ids import IdsArgument, move_each, read_ids
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import WholeNumber, read_hold
from oms_cli.terminal.exits import usage_error
from oms_cli.terminal.messages import counted, say
from oms_cli.terminal.view import Column, View
from oms_core.domain.hold_commands import ConfirmOrder, ExtendHold
from oms_core.domain.orders.order import Order

if TYPE_CHECKING:
    from oms_core import ExpiryReport

_REPORT: View[ExpiryReport] = View(
    columns=(
        Column(name="expired", value=lambda report: report.expired, right=True),
        Column(name="failed", value=lambda report: report.failed, right=True),
        Column(name="left_to_another", value=lambda report: "true" if report.left_to_another else "false"),
    ),
    document=lambda report: {
        "expired": report.expired,
        "failed": report.failed,
        "left_to_another": report.left_to_another,
    },
)

PaymentOption = Annotated[
    str | None,
    typer.Option("--payment-reference", metavar="R", help="With one id: the payment, which then pays no other order."),
]
HoldOption = Annotated[str, typer.Option("--hold", metavar="TIME", help="From now on: 90s, 15m, 2h ...")]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="K", help="Idempotency key, with one id: with the same key it is done once."),
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
    """Add `confirm`, `extend` and `expire` to the orders' commands."""
    command(app, "confirm")(confirm)
    command(app, "extend")(extend)
    command(app, "expire")(expire)


def confirm(
    session: Session,
    ids: IdsArgument,
    *,
    payment_reference: PaymentOption = None,
    key: KeyOption = None,
    if_version: VersionOption = None,
) -> None:
    """Place held orders for good; their stock stays reserved."""
    _check_one(ids, payment_reference, key, if_version)

    def confirm_one(order_id: UUID) -> Order:
        wanted = ConfirmOrder(
            order_id=order_id, payment_reference=payment_reference, if_version=if_version, idempotency_key=key
        )
        confirmed = oms.holds.confirm(wanted, caller=session.caller)
        return _told(confirmed.order, "confirmed", replayed=confirmed.replayed)

    with session.oms() as oms:
        move_each(read_ids(ids), confirm_one, session.output, OrderNames(oms, session.caller))


def extend(
    session: Session,
    ids: IdsArgument,
    *,
    hold: HoldOption,
    key: KeyOption = None,
    if_version: VersionOption = None,
) -> None:
    """Let holds end no earlier than so long from now."""
    _check_one(ids, key, if_version)
    seconds = read_hold(hold)

    def extend_one(order_id: UUID) -> Order:
        wanted = ExtendHold(order_id=order_id, seconds=seconds, if_version=if_version, idempotency_key=key)
        extended = oms.holds.extend(wanted, caller=session.caller)
        return _told(extended.order, "extended", replayed=extended.replayed)

    with session.oms() as oms:
        move_each(read_ids(ids), extend_one, session.output, OrderNames(oms, session.caller))


def expire(session: Session) -> None:
    """Expire every hold that has run out, as workers do all the time."""
    with session.oms() as oms:
        report = oms.holds.expire(caller=session.caller)
    session.output.sentence(_sentence(report))
    if not session.output.is_table:
        session.output.record(_REPORT, report)


def _check_one(ids: Sequence[str], *given: object) -> None:
    if (len(ids) != 1 or ids == ["-"]) and any(each is not None for each in given):
        usage_error("--payment-reference, --key and --if-version are for one id")


def _told(order: Order, done: str, *, replayed: bool) -> Order:
    if replayed:
        say(f"it was {done} before with this key")
    return order


def _sentence(report: ExpiryReport) -> str:
    """Say what was done: `expired 12 orders; 1 cannot be: the log says why`."""
    parts = [f"expired {counted(report.expired, 'order')}"]
    if report.failed:
        parts.append(f"{report.failed:,} cannot be: the log says why")
    if report.left_to_another:
        parts.append("a worker is at the rest")
    return "; ".join(parts)
