"""`oms returns`: what came back of an order."""

from __future__ import annotations

from oms_cli.commands.command import command, command_group
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.order_parts import OrderArgument
from oms_cli.commands.session import Session
from oms_cli.views.order_returns import RETURNS, shown

app = command_group("returns", "Returns of an order: what came back, and what became of it.")


@command(app, "list")
def list_returns(session: Session, order: OrderArgument) -> None:
    """List the returns of an order, by number."""
    with session.oms() as oms:
        wanted = OrderNames(oms, session.caller).order(order).id
        found = oms.returns.list(wanted, caller=session.caller)
    session.output.list(RETURNS, shown(found.order, found.returns))
