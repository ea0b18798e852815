"""The cells of a Citus cluster: which schemas of the product there are, on which node, and how full each is."""

from __future__ import annotations

from oms_core.domain.cells import Cell
from oms_peewee.session import Session

_IS_DISTRIBUTED = "SELECT to_regclass('pg_catalog.pg_dist_schema') IS NOT NULL"
# A schema is one of the product's when it has what `oms db upgrade` makes first.
_CELLS = """SELECT n.nspname, min(s.nodename || ':' || s.nodeport), sum(s.shard_size)::bigint,
  n.nspname = current_schema()
FROM pg_dist_schema AS d JOIN pg_namespace AS n ON n.oid = d.schemaid
JOIN citus_shards AS s ON s.colocation_id = d.colocationid
WHERE to_regclass(format('%%I.schema_migrations', n.nspname)) IS NOT NULL
  AND to_regclass(format('%%I.orders', n.nspname)) IS NOT NULL
GROUP BY n.nspname ORDER BY n.nspname COLLATE "C" LIMIT %s"""
# The node that has the rows knows their number; its statistics have -1 before they were ever made.
_ORDERS = """SELECT result FROM run_command_on_shards(format('%%I.orders', %s)::regclass,
  'SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = ''%%s''::regclass')"""
_CELLS_MAX = 1_000


def cells_of(session: Session) -> list[Cell]:
    """Read the catalogue of Citus; a database without it has no cells."""
    ((is_distributed,),) = session.execute_sql(_IS_DISTRIBUTED).fetchall()
    if not is_distributed:
        return []
    return [
        Cell(name=name, node=node, size_bytes=size_bytes, orders=_orders(session, name), is_own=is_own)
        for name, node, size_bytes, is_own in session.execute_sql(_CELLS, (_CELLS_MAX,)).fetchall()
    ]


def _orders(session: Session, cell: str) -> int:
    ((orders,),) = session.execute_sql(_ORDERS, (cell,)).fetchall()
    return int(orders or 0)
