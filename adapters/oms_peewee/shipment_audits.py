"""What an audit reads of shipments: those whose ledger rows, or whose order's status, do not agree with them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from oms_core.domain.orders.shipments import ShipmentStatus
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.balances import ShipmentBalance
from oms_core.domain.stock.products import MovementKind
from oms_peewee.rows import rows_of
from oms_peewee.session import Session

_SHIPS = f"kind IN ('{MovementKind.SHIP}', '{MovementKind.UNSHIP}')"
# What a cancelled shipment took is nothing, and what any other took is something.
_WRONG_UNITS = f"""SELECT DISTINCT order_id FROM (
  SELECT order_id, act_id FROM (
    SELECT order_id, act_id, 1 AS is_there, CASE status WHEN '{ShipmentStatus.CANCELLED}' THEN 0 ELSE 1 END AS is_live,
      0 AS units
    FROM shipments WHERE order_id > ? AND order_id <= ?
    UNION ALL
    SELECT order_id, act_id, 0, 0, -on_hand_delta FROM stock_movements
    WHERE order_id > ? AND order_id <= ? AND act_id IS NOT NULL AND {_SHIPS}) AS entries
  GROUP BY order_id, act_id
  HAVING sum(is_there) = 0 OR (sum(is_live) = 1) <> (sum(units) <> 0)) AS acts"""  # noqa: S608  Only constants of ours.
# An order all of whose live shipments were delivered is delivered, and one is on its way while any of them is.
_WRONG_STATUSES = f"""SELECT s.order_id FROM shipments AS s JOIN orders AS o ON o.id = s.order_id
WHERE s.order_id > ? AND s.order_id <= ? AND o.id > ? AND o.id <= ? AND s.status <> '{ShipmentStatus.CANCELLED}'
  AND o.status IN ('{OrderStatus.SHIPPED}', '{OrderStatus.DELIVERED}')
GROUP BY s.order_id, o.status
HAVING (o.status = '{OrderStatus.DELIVERED}')
  <> (sum(CASE s.status WHEN '{ShipmentStatus.SHIPPED}' THEN 1 ELSE 0 END) = 0)"""  # noqa: S608  Only constants of ours.
_BALANCES = f"""SELECT CAST(order_id AS text), max(shipment_no), max(status), CAST(sum(units) AS bigint) FROM (
  SELECT order_id, act_id, shipment_no, status, 0 AS units FROM shipments WHERE order_id {{among}}
  UNION ALL
  SELECT order_id, act_id, NULL, NULL, -on_hand_delta FROM stock_movements
  WHERE order_id {{among}} AND act_id IS NOT NULL AND {_SHIPS}) AS entries
GROUP BY order_id, act_id
ORDER BY 1, CASE WHEN max(shipment_no) IS NULL THEN 1 ELSE 0 END, 2, CAST(act_id AS text)"""  # noqa: S608  Only constants of ours.


def wrong_shipments(session: Session, after: str, last: str) -> set[str]:
    """Return the ids of the orders beyond `after`, up to `last`, whose shipments do not agree."""
    found = [
        *rows_of(session, _WRONG_UNITS, [after, last] * 2),
        *rows_of(session, _WRONG_STATUSES, [after, last] * 2),
    ]
    return {str(order_id) for (order_id,) in found}


def shipment_balances(session: Session, order_ids: Sequence[str]) -> dict[UUID, list[ShipmentBalance]]:
    """Read the shipments of orders with what the ledger has of each, by number."""
    among, ids = session.among(order_ids)
    balances: dict[UUID, list[ShipmentBalance]] = {}
    for order_id, shipment_no, status, units in rows_of(session, _BALANCES.format(among=among), [ids, ids]):
        told = None if status is None else ShipmentStatus(status)
        balance = ShipmentBalance(shipment_no=shipment_no, status=told, units=units)
        balances.setdefault(UUID(order_id), []).append(balance)
    return balances
