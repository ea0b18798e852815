"""The rows of an order's lines, as a change of them leaves them. Placing writes them by itself."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from oms_core.domain.money import to_ten_thousandths
from oms_core.domain.orders.order import PlacedLine
from oms_peewee.bulk_inserts import BulkInsert
from oms_peewee.session import Session

_WRITE = BulkInsert(
    table="order_lines",
    columns={
        **{"order_id": "uuid", "line_no": "smallint", "sku": "text"},
        **{"quantity": "integer", "unit_price_e4": "bigint"},
    },
    ending="ON CONFLICT (order_id, line_no) DO UPDATE SET quantity = excluded.quantity",
)


def write_lines(session: Session, order_id: UUID, lines: Sequence[PlacedLine]) -> None:
    """Write lines of an order, which is locked: further ones, or other quantities of those that are there."""
    session.insert_rows(
        _WRITE,
        [
            (
                *(order_id, line.line_no, line.sku, line.quantity),
                None if line.unit_price is None else to_ten_thousandths(line.unit_price),
            )
            for line in lines
        ],
    )
