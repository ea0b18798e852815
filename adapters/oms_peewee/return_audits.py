"""What an audit reads of returns: those whose ledger rows do not bring to a location what their lines say."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from oms_core.domain.stock.balances import ReturnBalance
from oms_core.domain.stock.products import MovementKind
from oms_peewee.rows import rows_of
from oms_peewee.session import Session

_ENTRIES = f"""SELECT l.order_id, r.act_id, l.return_no, l.line_no, l.location, l.quantity AS units, 0 AS moved
  FROM return_lines AS l LEFT JOIN returns AS r ON r.order_id = l.order_id AND r.return_no = l.return_no
  WHERE {{of_lines}} AND l.location IS NOT NULL
  UNION ALL
  SELECT order_id, act_id, NULL, line_no, location, 0, on_hand_delta FROM stock_movements
  WHERE {{of_rows}} AND act_id IS NOT NULL AND kind = '{MovementKind.RETURN}'"""  # noqa: S608  Only a constant.
_WRONG = f"""SELECT DISTINCT order_id FROM (
  SELECT order_id FROM ({_ENTRIES}) AS entries
  GROUP BY order_id, act_id, line_no, location HAVING sum(units) <> sum(moved)) AS acts""".format(  # noqa: S608
    of_lines="l.order_id > ? AND l.order_id <= ?", of_rows="order_id > ? AND order_id <= ?"
)
_BALANCES = f"""SELECT CAST(order_id AS text), max(return_no), line_no, location, CAST(sum(units) AS bigint),
  CAST(sum(moved) AS bigint)
FROM ({_ENTRIES}) AS entries
GROUP BY order_id, act_id, line_no, location
ORDER BY 1, CASE WHEN max(return_no) IS NULL THEN 1 ELSE 0 END, 2, 3, 4"""  # noqa: S608  Only constants are put in.


def wrong_returns(session: Session, after: str, last: str) -> set[str]:
    """Return the ids of the orders beyond `after`, up to `last`, whose returns do not agree with the ledger."""
    return {str(order_id) for (order_id,) in rows_of(session, _WRONG, [after, last] * 2)}


def return_balances(session: Session, order_ids: Sequence[str]) -> dict[UUID, list[ReturnBalance]]:
    """Read what the returns of orders brought to each location, by their lines and by the ledger."""
    among, ids = session.among(order_ids)
    sql = _BALANCES.format(of_lines=f"l.order_id {among}", of_rows=f"order_id {among}")
    balances: dict[UUID, list[ReturnBalance]] = {}
    for order_id, return_no, line_no, location, units, moved in rows_of(session, sql, [ids, ids]):
        balance = ReturnBalance(return_no=return_no, line_no=line_no, location=location, units=units, moved=moved)
        balances.setdefault(UUID(order_id), []).append(balance)
    return balances
