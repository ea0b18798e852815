"""AuditStorage: the database sums and compares, a page in a statement, and shows only what does not agree.

The statements know the rule of `oms_core.domain.stock.balances` well enough to pass by what agrees. What they let
through is shown with its figures, for the rule itself to judge and to word.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from oms_core.domain.limits import COUNT_MAX, PAGE_ITEMS_MAX, SKU_LENGTH_MAX
from oms_core.domain.orders.order import Holding
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.balances import (
    COVERED,
    WAITS_FOR,
    Compared,
    LevelBalance,
    OrderBalance,
    Waiting,
)
from oms_core.domain.stock.products import MovementKind
from oms_peewee.database import Database
from oms_peewee.fields import read_time
from oms_peewee.order_queries import HOLDING_ENTRIES
from oms_peewee.return_audits import return_balances, wrong_returns
from oms_peewee.session import Session
from oms_peewee.shipment_audits import shipment_balances, wrong_shipments

_NO_ID = UUID(int=0)
_LAST_ID = UUID(int=2**128 - 1)
# Sorts after every SKU.
_LAST_SKU = "\U0010ffff" * (SKU_LENGTH_MAX + 1)

_LAST_LEVEL = "SELECT sku FROM stock_levels WHERE sku > ? ORDER BY sku LIMIT 1 OFFSET ?"
_LEVELS = f"""WITH levels AS (
  SELECT l.sku, l.location, l.on_hand, l.reserved, coalesce(l.withheld, 0) AS withheld,
    CASE WHEN NOT place.sells THEN {COUNT_MAX} ELSE coalesce(l.kept_back, 0) END AS withheld_due
  FROM stock_levels AS l LEFT JOIN locations AS place ON place.name = l.location WHERE l.sku > ? AND l.sku <= ?),
sums AS (
  SELECT sku, location, CAST(sum(on_hand_delta) AS bigint) AS on_hand, CAST(sum(reserved_delta) AS bigint) AS reserved
  FROM stock_movements WHERE sku > ? AND sku <= ? GROUP BY sku, location),
balances AS (
  SELECT levels.sku, levels.location, levels.on_hand, levels.reserved, coalesce(sums.on_hand, 0) AS ledger_on_hand,
    coalesce(sums.reserved, 0) AS ledger_reserved, levels.withheld, levels.withheld_due
  FROM levels LEFT JOIN sums ON sums.sku = levels.sku AND sums.location = levels.location
  UNION ALL
  SELECT sums.sku, sums.location, 0, 0, sums.on_hand, sums.reserved, 0, 0
  FROM sums LEFT JOIN levels ON levels.sku = sums.sku AND levels.location = sums.location WHERE levels.sku IS NULL)
SELECT '', '', count(*), 0, 0, 0, 0, 0 FROM balances
UNION ALL
SELECT sku, location, on_hand, reserved, ledger_on_hand, ledger_reserved, withheld, withheld_due FROM balances
WHERE on_hand <> ledger_on_hand OR reserved <> ledger_reserved OR reserved < 0 OR reserved > on_hand
  OR withheld <> withheld_due
ORDER BY 1, 2"""  # noqa: S608  Only a constant is put in.


def _any_of(statuses: Collection[OrderStatus]) -> str:
    return ", ".join(f"'{status}'" for status in sorted(statuses))


_WAITS_FOR = (
    "CASE o.status " + " ".join(f"WHEN '{status}' THEN '{what}'" for status, what in WAITS_FOR.items()) + " END"
)
_LAST_ORDER = "SELECT id FROM orders WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?"
_COUNT_ORDERS = "SELECT count(*) FROM orders WHERE id > ? AND id <= ?"
# What the units of a line have to be, told to its ledger rows by its order's status.
_NOTHING, _RESERVED, _SHIPPED, _RETURNED, _MIXED, _OUT = range(6)
_STATES = {
    **dict.fromkeys((OrderStatus.HELD, OrderStatus.PENDING, OrderStatus.PROCESSING), _RESERVED),
    **dict.fromkeys((OrderStatus.SHIPPED, OrderStatus.DELIVERED), _SHIPPED),
    OrderStatus.RETURNED: _RETURNED,
    OrderStatus.PARTLY_SHIPPED: _MIXED,
    OrderStatus.PARTLY_RETURNED: _OUT,
}
_STATE = "CASE o.status " + " ".join(f"WHEN '{each}' THEN {state}" for each, state in _STATES.items()) + " ELSE 0 END"
_IS_WRONG = f"""(sum(units) <> 0 OR sum(waits) <> 0 OR sum(ordered) = 0 OR sum(reserved) < 0
    OR sum(returned) < 0 OR sum(returned) > sum(shipped) OR CASE max(state)
      WHEN {_RESERVED} THEN sum(shipped) <> 0
      WHEN {_SHIPPED} THEN sum(reserved) <> 0 OR sum(returned) <> 0
      WHEN {_RETURNED} THEN sum(reserved) <> 0 OR sum(returned) <> sum(shipped)
      WHEN {_OUT} THEN sum(reserved) <> 0
      ELSE false END)"""
# A line's quantity, less what its ledger rows reserve and have shipped: nothing is left where they agree. The first
# line stands for the order: whether it should wait, taken from what waits rightly. Of what is partly shipped some is
# reserved and some was shipped; of what is partly returned some came back, and some did not.
_DISAGREEING_ORDERS = f"""SELECT order_id FROM (
  SELECT order_id, sum(reserved) AS reserved, sum(shipped) AS shipped, sum(returned) AS returned, max(state) AS state,
    CASE WHEN {_IS_WRONG} THEN 1 ELSE 0 END AS is_wrong
  FROM (
    SELECT l.order_id, l.line_no, 1 AS ordered,
      CASE WHEN l.line_no = 1 AND o.status IN ({_any_of(WAITS_FOR)}) THEN 1 ELSE 0 END AS waits,
      {_STATE} AS state, CASE WHEN o.status IN ({_any_of(COVERED)}) THEN l.quantity ELSE 0 END AS units,
      0 AS reserved, 0 AS shipped, 0 AS returned
    FROM orders AS o JOIN order_lines AS l ON l.order_id = o.id
    WHERE o.id > ? AND o.id <= ? AND l.order_id > ? AND l.order_id <= ?
    UNION ALL
    SELECT order_id, line_no, 0, 0, 0,
      CASE kind WHEN '{MovementKind.RETURN}' THEN 0 ELSE on_hand_delta END - reserved_delta, reserved_delta,
      CASE kind WHEN '{MovementKind.RETURN}' THEN 0 ELSE -on_hand_delta END,
      CASE WHEN kind = '{MovementKind.RETURN}' AND act_id IS NULL THEN on_hand_delta ELSE 0 END
    FROM stock_movements
    WHERE order_id > ? AND order_id <= ?
    UNION ALL
    SELECT order_id, line_no, 0, 0, 0, 0, 0, 0, quantity FROM return_lines WHERE order_id > ? AND order_id <= ?
    UNION ALL
    SELECT w.order_id, 1, 0, CASE WHEN w.waits_for = {_WAITS_FOR} AND
      (o.hold_until = w.due_at OR o.status <> '{OrderStatus.HELD}') THEN -1 ELSE -2 END, 0, 0, 0, 0, 0
    FROM waiting_orders AS w LEFT JOIN orders AS o ON o.id = w.order_id
    WHERE w.order_id > ? AND w.order_id <= ?) AS entries
  GROUP BY order_id, line_no
  HAVING {_IS_WRONG} OR max(state) >= {_MIXED}) AS lines
GROUP BY order_id HAVING max(is_wrong) = 1 OR CASE max(state)
    WHEN {_OUT} THEN sum(returned) = 0 OR sum(returned) = sum(shipped)
    ELSE sum(reserved) = 0 OR sum(shipped) = 0 END"""  # noqa: S608  Constants of ours.
# An order that is not there has no status, and may have ledger rows, or wait, all the same.
_ORDERS = f"""SELECT o.id, o.status, l.line_no, l.quantity, NULL AS sku, NULL AS location, NULL AS reserved,
  NULL AS shipped, NULL AS returned, o.hold_until, w.waits_for, w.due_at
FROM orders AS o LEFT JOIN order_lines AS l ON l.order_id = o.id LEFT JOIN waiting_orders AS w ON w.order_id = o.id
WHERE o.id IN (?)
UNION ALL
SELECT m.order_id, o.status, m.line_no, NULL, m.sku, m.location, CAST(sum(m.reserved) AS bigint),
  CAST(sum(m.shipped) AS bigint), CAST(sum(m.returned) AS bigint), NULL, NULL, NULL
FROM ({HOLDING_ENTRIES.format(among="IN (?)")}) AS m LEFT JOIN orders AS o ON o.id = m.order_id
GROUP BY m.order_id, o.status, m.line_no, m.sku, m.location
UNION ALL
SELECT w.order_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, w.waits_for, w.due_at
FROM waiting_orders AS w WHERE w.order_id IN (?) AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.id = w.order_id)
ORDER BY 1, 3, 5, 6"""  # noqa: S608  Only constants are put in.


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
                suspects = _rows(session, _DISAGREEING_ORDERS, *bounds * 5)
                wrong = wrong_shipments(session, *bounds) | wrong_returns(session, *bounds)
                wrong |= {str(order_id) for (order_id,) in suspects}
            return count, sorted(wrong), None if last is None else UUID(str(last))

        count, order_ids, last = self._database.read(compare)
        return Compared(count=count, suspects=self._order_balances(order_ids), last=last)

    def _order_balances(self, order_ids: Sequence[str]) -> list[OrderBalance]:
        """Read the figures of orders as they are now; those who changed meanwhile may agree."""
        balances = []
        for start in range(0, len(order_ids), PAGE_ITEMS_MAX):
            chosen = order_ids[start : start + PAGE_ITEMS_MAX]
            sql = _ORDERS.replace("?", ", ".join("?" * len(chosen)))
            rows, shipments, returns = self._database.read(
                lambda session: (
                    _rows(session, sql, *[*chosen] * 4),  # noqa: B023  At once.
                    shipment_balances(session, chosen),  # noqa: B023
                    return_balances(session, chosen),  # noqa: B023
                )
            )
            for order_id, group in groupby(rows, key=lambda row: UUID(str(row[0]))):
                told, brought = shipments.get(order_id, []), returns.get(order_id, [])
                balances.append(replace(_order_balance(order_id, [*group]), shipments=told, returns=brought))
        return balances


def _rows(session: Session, sql: str, *params: object) -> list[tuple[Any, ...]]:
    return list(session.execute_sql(sql.replace("?", session.param), params).fetchall())


def _first(rows: Sequence[tuple[Any, ...]]) -> Any:
    return rows[0][0] if rows else None


def _level_balance(row: tuple[Any, ...]) -> LevelBalance:
    sku, location, on_hand, reserved, ledger_on_hand, ledger_reserved, withheld, withheld_due = row
    return LevelBalance(
        sku=sku,
        location=location,
        on_hand=on_hand,
        reserved=reserved,
        ledger_on_hand=ledger_on_hand,
        ledger_reserved=ledger_reserved,
        withheld=withheld,
        withheld_due=withheld_due,
    )


def _order_balance(order_id: UUID, rows: list[tuple[Any, ...]]) -> OrderBalance:
    *_, hold_until, waits_for, due_at = next((row for row in rows if row[-2] is not None), rows[0])
    return OrderBalance(
        order_id=order_id,
        status=None if rows[0][1] is None else OrderStatus(rows[0][1]),
        quantities={line_no: quantity for _, _, line_no, quantity, *_ in rows if quantity is not None},
        holdings=tuple(
            Holding(line_no=line_no, sku=sku, location=location, reserved=reserved, shipped=shipped, returned=returned)
            for _, _, line_no, _, sku, location, reserved, shipped, returned, *_ in rows
            if sku is not None
        ),
        hold_until=_time(hold_until),
        waiting=None if waits_for is None else Waiting(waits_for=waits_for, due_at=_time(due_at)),
    )


def _time(stored: Any) -> datetime | None:
    return None if stored is None else read_time(stored)
