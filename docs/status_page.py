"""The page of the statuses of an order, drawn from the table in the core."""

from __future__ import annotations

from oms_core.domain.orders.statuses import MOVES, Act, OrderStatus

STATUSES_HEAD = """\
# Statuses

Drawn from `oms_core/domain/orders/statuses.py` by `make docs`; a test compares.

- Placing leads to `pending`, or to `held` with a hold. Accepting or a retry leads to `queued`.
- A held order is confirmed, or expires: see [orders](orders.md#hold-the-stock-of-a-checkout).
- `PUT /v1/orders/{id}/status` and `oms orders set-status` make the moves by `status`.
- Once something was shipped, the status follows from what is reserved, shipped and returned:
  see [orders](orders.md#the-status-follows).
- A move to the status that an order already has changes nothing and succeeds.
"""

ACTS = {
    Act.SETTLE: "settling",
    Act.SWEEP: "the sweep",
    Act.CONFIRM: "`confirm`",
    Act.RETRY: "`retry`",
    Act.STATUS: "`status`",
    Act.SHIP: "a shipment",
    Act.CANCEL_SHIPMENT: "a shipment taken back",
    Act.DELIVER: "the last delivery",
    Act.RETURN: "a return",
    Act.CHANGE: "a change of lines",
}


def draw_statuses() -> str:
    """Return the diagram and the table of moves as Markdown."""
    pairs = list(dict.fromkeys((move.source, move.target) for move in MOVES))
    left = {move.source for move in MOVES}
    begun = {"pending": "placed", "held": "placed with a hold", "queued": "accepted"}
    diagram = ["```mermaid", "stateDiagram-v2", *(f"  [*] --> {status}: {how}" for status, how in begun.items())]
    diagram += [f"  {source} --> {target}" for source, target in pairs]
    diagram += [f"  {status} --> [*]" for status in OrderStatus if status not in left]
    table = ["| from | to | by | who may |", "|---|---|---|---|"]
    table += [f"| {source} | {target} | {_by(source, target)} |" for source, target in pairs]
    return "\n".join([STATUSES_HEAD, *diagram, "```", "", *table, ""])


def _by(source: OrderStatus, target: OrderStatus) -> str:
    moves = [move for move in MOVES if (move.source, move.target) == (source, target)]
    (scope,) = {move.scope for move in moves}
    acts = " or ".join(ACTS[move.act] for move in moves)
    return f"{acts} | {'the system' if scope is None else f'`{scope.value}`'}"
