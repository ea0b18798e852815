"""AuditStorage: the figures that an audit compares, one statement a page, so that they belong together."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from oms_core.domain.limits import SKU_LENGTH_MAX
from oms_core.domain.orders.order import Holding
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.balances import LevelBalance, OrderBalance
from oms_peewee.database import Database
from oms_peewee.session import Session

_NO_ID = UUID(int=0)
# Sorts after every SKU.
_LAST_SKU = "\U0010ffff" * (SKU_LENGTH_MAX + 1)

# The ledger is summed up to the SKU of the page's last level. Levels of that SKU beyond the page seem to be missing
# then, but sort after its last level, and LIMIT cuts them off.
_LEVELS = """WITH levels AS (
  SELECT sku, location, on_hand, reserved FROM stock_levels
  WHERE (sku, location) > (?, ?) ORDER BY sku, location LIMIT ?),
sums AS (
  SELECT sku, location, CAST(sum(on_hand_delta) AS bigint) AS on_hand, CAST(sum(reserved_delta) AS bigint) AS reserved
  FROM stock_movements
  WHERE sku >= ? AND (sku, location) > (?, ?)
    AND sku <= coalesce((SELECT max(sku) FROM levels HAVING count(*) = ?), ?)
  GROUP BY sku, location)
SELECT levels.sku, levels.location, levels.on_hand, levels.reserved, coalesce(sums.on_hand, 0),
  coalesce(sums.reserved, 0)
FROM levels LEFT JOIN sums ON sums.sku = levels.sku AND sums.location = levels.location
UNION ALL
SELECT sums.sku, sums.location, 0, 0, sums.on_hand, sums.reserved
FROM sums LEFT JOIN levels ON levels.sku = sums.sku AND levels.location = sums.location WHERE levels.sku IS NULL
ORDER BY 1, 2 LIMIT ?"""

_ORDERS = """WITH page AS (SELECT id, status FROM orders WHERE id > ? ORDER BY id LIMIT ?)
SELECT page.id, page.status, l.line_no, l.quantity, NULL AS sku, NULL AS location, NULL AS reserved, NULL AS shipped
FROM page LEFT JOIN order_lines AS l ON l.order_id = page.id
UNION ALL
SELECT page.id, page.status, m.line_no, NULL, m.sku, m.location,
  CAST(sum(m.reserved_delta) AS bigint), CAST(-sum(m.on_hand_delta) AS bigint)
FROM page JOIN stock_movements AS m ON m.order_id = page.id
GROUP BY page.id, page.status, m.line_no, m.sku, m.location
ORDER BY 1, 3, 5, 6"""


class PeeweeAudits:
    """AuditStorage on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def level_balances(self, *, after: tuple[str, str] | None, limit: int) -> list[LevelBalance]:
        sku, location = after or ("", "")
        params = (sku, location, limit, sku, sku, location, limit, _LAST_SKU, limit)
        return [
            LevelBalance(
                sku=sku,
                location=location,
                on_hand=on_hand,
                reserved=reserved,
                ledger_on_hand=ledger_on_hand,
                ledger_reserved=ledger_reserved,
            )
            for sku, location, on_hand, reserved, ledger_on_hand, ledger_reserved in self._rows(_LEVELS, params)
        ]

    def order_balances(self, *, after: UUID | None, limit: int) -> list[OrderBalance]:
        rows = self._rows(_ORDERS, (str(after or _NO_ID), limit))
        return [_order_balance(UUID(str(order_id)), [*group]) for order_id, group in groupby(rows, key=itemgetter(0))]

    def _rows(self, sql: str, params: tuple[object, ...]) -> list[tuple[Any, ...]]:
        def fetch(session: Session) -> list[tuple[Any, ...]]:
            return list(session.execute_sql(sql.replace("?", session.param), params).fetchall())

        return self._database.read(fetch)


def _order_balance(order_id: UUID, rows: list[tuple[Any, ...]]) -> OrderBalance:
    return OrderBalance(
        order_id=order_id,
        status=OrderStatus(rows[0][1]),
        quantities={line_no: quantity for _, _, line_no, quantity, *_ in rows if quantity is not None},
        holdings=tuple(
            Holding(line_no=line_no, sku=sku, location=location, reserved=reserved, shipped=shipped)
            for _, _, line_no, _, sku, location, reserved, shipped in rows
            if sku is not None
        ),
    )
