"""Pages of orders from indexes that begin with a period of time, read from period to period.

All that is placed now goes to the end of such an index, however large it has grown: it stays in memory, and little of
it is written again after a checkpoint. For one customer or SKU it is searched once for each period, which takes some
microseconds. A period is what the first five digits of a UUIDv7 name, 2^28 milliseconds or three days.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee
from peewee import fn

from oms_peewee.order_models import OrderRow

_DIGITS = 5
_ID_DIGITS = 32
_NAME = peewee.SQL("lpad(to_hex(period), 5, '0')")


def from_period_to_period(
    page: peewee.ModelSelect[Any],
    order_id: peewee.Field,
    bounds: Sequence[peewee.Expression],
    *,
    limit: int,
    oldest_first: bool,
) -> peewee.SelectBase:
    """Return a query that selects the first ids of `page`, from one period after the other."""
    newest, oldest = _period_of_end(bounds, OrderRow.id.desc()), _period_of_end(bounds, OrderRow.id.asc())
    periods = fn.generate_series(oldest, newest, 1) if oldest_first else fn.generate_series(newest, oldest, -1)
    # The index is found by the first of these. The others bound a walk along another one, should it be chosen.
    within = page.where(
        fn.LEFT(order_id.cast("text"), peewee.SQL(str(_DIGITS))) == _NAME,
        order_id >= fn.RPAD(_NAME, _ID_DIGITS, "0").cast("uuid"),
        order_id <= fn.RPAD(_NAME, _ID_DIGITS, "f").cast("uuid"),
    )
    source = [
        peewee.NodeList((periods, peewee.SQL("AS period"))),
        peewee.NodeList((peewee.SQL("LATERAL"), within.limit(limit).alias("found"))),
    ]
    return peewee.Select(source, (peewee.Entity("found", order_id.column_name),)).limit(limit)


def _period_of_end(bounds: Sequence[peewee.Expression], end: peewee.Ordering) -> peewee.SelectBase:
    """Return a query for the number of the period of the first order from one end."""
    digits = fn.LEFT(OrderRow.id.cast("text"), peewee.SQL(str(_DIGITS)))
    number = peewee.NodeList((peewee.SQL("('x' ||"), digits, peewee.SQL(")::bit(20)::integer")))
    return OrderRow.select(number).where(*bounds).order_by(end).limit(1)
