"""The rows of returns and of their lines: written with their order, which is locked, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.returns import Disposition, Return, ReturnedLine
from oms_peewee.bulk_inserts import BulkInsert
from oms_peewee.fields import read_time
from oms_peewee.rows import rows_of
from oms_peewee.session import Session

_RETURNS = """SELECT CAST(order_id AS text), return_no, CAST(act_id AS text), reference, reason, created_at
FROM returns WHERE order_id {among} ORDER BY 1, 2"""
_LINES = """SELECT CAST(order_id AS text), return_no, line_no, sku, quantity, disposition, shipped_from, location
FROM return_lines WHERE order_id {among} ORDER BY 1, 2, entry_no"""
_INSERT = BulkInsert(
    table="returns",
    columns={
        **{"order_id": "uuid", "return_no": "integer", "act_id": "uuid"},
        **{"reference": "text", "reason": "text", "created_at": "timestamptz"},
    },
)
_INSERT_LINES = BulkInsert(
    table="return_lines",
    columns={
        **{"order_id": "uuid", "return_no": "integer", "entry_no": "integer", "line_no": "smallint", "sku": "text"},
        **{"quantity": "integer", "disposition": "text", "shipped_from": "text", "location": "text"},
    },
)


def returns_of(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, list[Return]]:
    """Read the returns of orders, by number; an order without any has none."""
    if not order_ids:
        return {}
    among, ids = session.among([str(order_id) for order_id in order_ids])
    rows = rows_of(session, _RETURNS.format(among=among), [ids])
    if not rows:
        return {}
    lines: dict[tuple[str, int], list[ReturnedLine]] = {}
    for order_id, return_no, line_no, sku, quantity, disposition, shipped_from, location in rows_of(
        session, _LINES.format(among=among), [ids]
    ):
        line = ReturnedLine(
            line_no=line_no,
            sku=sku,
            quantity=quantity,
            disposition=Disposition(disposition),
            shipped_from=shipped_from,
            location=location,
        )
        lines.setdefault((order_id, return_no), []).append(line)
    found: dict[UUID, list[Return]] = {}
    for order_id, return_no, act_id, reference, reason, created_at in rows:
        made = Return(
            id=UUID(act_id),
            order_id=UUID(order_id),
            return_no=return_no,
            lines=tuple(lines.get((order_id, return_no), ())),
            reference=reference,
            reason=reason,
            created_at=read_time(created_at),
        )
        found.setdefault(made.order_id, []).append(made)
    return found


def write_returns(session: Session, changes: Sequence[OrderChange]) -> None:
    """Write the returns of changes of orders, if there are any."""
    made = [each for change in changes for each in change.returns]
    if not made:
        return
    session.insert_rows(
        _INSERT,
        [(each.order_id, each.return_no, each.id, each.reference, each.reason, each.created_at) for each in made],
    )
    session.insert_rows(
        _INSERT_LINES,
        [
            (
                *(each.order_id, each.return_no, entry_no, line.line_no, line.sku, line.quantity),
                *(line.disposition.value, line.shipped_from, line.location),
            )
            for each in made
            for entry_no, line in enumerate(each.lines, start=1)
        ],
    )
