"""AuditStorage: the database sums and compares, a page in a statement, and shows only what does not agree.

The statements know the rule of `oms_core.domain.stock.balances` well enough to pass by what agrees. What they let
through is shown with its figures, for the rule itself to judge and to word.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from oms_core.domain.limits import PAGE_ITEMS_MAX, SKU_LENGTH_MAX
from oms_core.domain.orders.order import Holding
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.balances import (
    RESERVING,
    TAKING,
    WAITS_FOR,
    Compared,
    LevelBalance,
    OrderBalance,
    Waiting,
)
from oms_peewee.database import Database
from oms_peewee.fields import read_time
from oms_peewee.session import Session

_NO_ID = UUID(int=0)
_LAST_ID = UUID(int=2**128 - 1)
# Sorts after every SKU.
_LAST_SKU = "\U0010ffff" * (SKU_LENGTH_MAX + 1)

_LAST_LEVEL = "SELECT sku FROM stock_levels WHERE sku > ? ORDER BY sku LIMIT 1 OFFSET ?"
_LEVELS = """WITH levels AS (SELECT sku, location, on_hand, reserved FROM stock_levels WHERE sku > ? AND sku <= ?),
sums AS (
  SELECT sku, location, CAST(sum(on_hand_delta) AS bigint) AS on_hand, CAST(sum(reserved_delta) AS bigint) AS reserved
  FROM stock_movements WHERE sku > ? AND sku <= ? GROUP BY sku, location),
balances AS (
  SELECT levels.sku, levels.location, levels.on_hand, levels.reserved, coalesce(sums.on_hand, 0) AS ledger_on_hand,
    coalesce(sums.reserved, 0) AS ledger_reserved
  FROM levels LEFT JOIN sums ON sums.sku = levels.sku AND sums.location = levels.location
  UNION ALL
  SELECT sums.sku, sums.location, 0, 0, sums.on_hand, sums.reserved
  FROM sums LEFT JOIN levels ON levels.sku = sums.sku AND levels.location = sums.location WHERE levels.sku IS NULL)
SELECT '', '', count(*), 0, 0, 0 FROM balances
UNION ALL
SELECT sku, location, on_hand, reserved, ledger_on_hand, ledger_reserved FROM balances
WHERE on_hand <> ledger_on_hand OR reserved <> ledger_reserved OR reserved < 0 OR reserved > on_hand
ORDER BY 1, 2"""


def _any_of(statuses: Collection[OrderStatus]) -> str:
    return ", ".join(f"'{status}'" for status in sorted(statuses))


_WAITS_FOR = (
    "CASE o.status " + " ".join(f"WHEN '{status}' THEN '{what}'" for status, what in WAITS_FOR.items()) + " END"
)
_LAST_ORDER = "SELECT id FROM orders WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?"
_COUNT_ORDERS = "SELECT count(*) FROM orders WHERE id > ? AND id <= ?"
# What each line should hold, taken from what its ledger rows hold: nothing is left where they agree. The first line
# stands for the order: whether it should wait, taken from what waits rightly.
_DISAGREEING_ORDERS = f"""SELECT DISTINCT order_id FROM (
  SELECT order_id, line_no FROM (
    SELECT l.order_id, l.line_no, 1 AS ordered,
      CASE WHEN l.line_no = 1 AND o.status IN ({_any_of(WAITS_FOR)}) THEN 1 ELSE 0 END AS waits,
      CASE WHEN o.status IN ({_any_of(RESERVING)}) THEN -l.quantity ELSE 0 END AS reserved,
      CASE WHEN o.status IN ({_any_of(TAKING)}) THEN l.quantity ELSE 0 END AS on_hand
    FROM orders AS o JOIN order_lines AS l ON l.order_id = o.id
    WHERE o.id > ? AND o.id <= ? AND l.order_id > ? AND l.order_id <= ?
    UNION ALL
    SELECT order_id, line_no, 0, 0, reserved_delta, on_hand_delta FROM stock_movements
    WHERE order_id > ? AND order_id <= ?
    UNION ALL
    SELECT w.order_id, 1, 0, CASE WHEN w.waits_for = {_WAITS_FOR} AND
      (o.hold_until = w.due_at OR o.status <> '{OrderStatus.HELD}') THEN -1 ELSE -2 END, 0, 0
    FROM waiting_orders AS w LEFT JOIN orders AS o ON o.id = w.order_id
    WHERE w.order_id > ? AND w.order_id <= ?) AS entries
  GROUP BY order_id, line_no
  HAVING sum(reserved) <> 0 OR sum(on_hand) <> 0 OR sum(waits) <> 0 OR sum(ordered) = 0) AS lines
ORDER BY order_id"""  # noqa: S608  Only constants of ours are put in.
# An order that is not there has no status, and may have ledger rows, or wait, all the same.
_ORDERS = """SELECT o.id, o.status, l.line_no, l.quantity, NULL AS sku, NULL AS location, NULL AS reserved,
  NULL AS shipped, o.hold_until, w.waits_for, w.due_at
FROM orders AS o LEFT JOIN order_lines AS l ON l.order_id = o.id LEFT JOIN waiting_orders AS w ON w.order_id = o.id
WHERE o.id IN (?)
UNION ALL
SELECT m.order_id, o.status, m.line_no, NULL, m.sku, m.location,
  CAST(sum(m.reserved_delta) AS bigint), CAST(-sum(m.on_hand_delta) AS bigint), NULL, NULL, NULL
FROM stock_movements AS m LEFT JOIN orders AS o ON o.id = m.order_id WHERE m.order_id IN (?)
GROUP BY m.order_id, o.status, m.line_no, m.sku, m.location
UNION ALL
SELECT w.order_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, w.waits_for, w.due_at
FROM waiting_orders AS w WHERE w.order_id IN (?) AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.id = w.order_id)
ORDER BY 1, 3, 5, 6"""


class PeeweeAudits:
    """AuditStorage on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def compare_levels(self, *, after: str | None, limit: int) -> Compared[str, LevelBalance]:
        def compare(session: Session) -> Compared[str, LevelBalance]:
            with session.long_read():
                first = after or ""
                last = _first(_rows(session, _LAST_LEVEL, first, limit - 1))
                bounds = first, _LAST_SKU if last is None else last
                (_, _, count, *_), *suspects = _rows(session, _LEVELS, *bounds, *bounds)
            return Compared(count=count, suspects=[_level_balance(each) for each in suspects], last=last)

        return self._database.read(compare)

    def compare_orders(self, *, after: UUID | None, limit: int) -> Compared[UUID, OrderBalance]:
        def compare(session: Session) -> tuple[int, list[str], UUID | None]:
            with session.range_merge():
                first = str(after or _NO_ID)
                last = _first(_rows(session, _LAST_ORDER, first, limit - 1))
                bounds = first, str(_LAST_ID if last is None else last)
                count = limit if last else _first(_rows(session, _COUNT_ORDERS, *bounds))
                suspects = _rows(session, _DISAGREEING_ORDERS, *bounds, *bounds, *bounds, *bounds)
            return count, [str(order_id) for (order_id,) in suspects], None if last is None else UUID(str(last))

        count, order_ids, last = self._database.read(compare)
        return Compared(count=count, suspects=self._order_balances(order_ids), last=last)

    def _order_balances(self, order_ids: Sequence[str]) -> list[OrderBalance]:
        """Read the figures of orders as they are now; those who changed meanwhile may agree."""
        balances = []
        for start in range(0, len(order_ids), PAGE_ITEMS_MAX):
            chosen = order_ids[start : start + PAGE_ITEMS_MAX]
            sql = _ORDERS.replace("?", ", ".join("?" * len(chosen)))
            rows = self._database.read(lambda session: _rows(session, sql, *chosen, *chosen, *chosen))  # noqa: B023  At once.
            balances += [_order_balance(UUID(str(id)), [*group]) for id, group in groupby(rows, key=itemgetter(0))]
        return balances


def _rows(session: Session, sql: str, *params: object) -> list[tuple[Any, ...]]:
    return list(session.execute_sql(sql.replace("?", session.param), params).fetchall())


def _first(rows: Sequence[tuple[Any, ...]]) -> Any:
    return rows[0][0] if rows else None


def _level_balance(row: tuple[Any, ...]) -> LevelBalance:
    sku, location, on_hand, reserved, ledger_on_hand, ledger_reserved = row
    return LevelBalance(
        sku=sku,
        location=location,
        on_hand=on_hand,
        reserved=reserved,
        ledger_on_hand=ledger_on_hand,
        ledger_reserved=ledger_reserved,
    )


def _order_balance(order_id: UUID, rows: list[tuple[Any, ...]]) -> OrderBalance:
    *_, hold_until, waits_for, due_at = next((row for row in rows if row[-2] is not None), rows[0])
    return OrderBalance(
        order_id=order_id,
        status=None if rows[0][1] is None else OrderStatus(rows[0][1]),
        quantities={line_no: quantity for _, _, line_no, quantity, *_ in rows if quantity is not None},
        holdings=tuple(
            Holding(line_no=line_no, sku=sku, location=location, reserved=reserved, shipped=shipped)
            for _, _, line_no, _, sku, location, reserved, shipped, *_ in rows
            if sku is not None
        ),
        hold_until=_time(hold_until),
        waiting=None if waits_for is None else Waiting(waits_for=waits_for, due_at=_time(due_at)),
    )


def _time(stored: Any) -> datetime | None:
    return None if stored is None else read_time(stored)
