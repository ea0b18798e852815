"""What random histories are made of: names, commands, and what a worker does meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from oms_core import (
    ALL_SCOPES,
    UNSET,
    AdjustStock,
    Caller,
    Oms,
    Order,
    OrderLine,
    OrderStatus,
    PlaceOrder,
    ReceiveStock,
    SetStock,
)
from oms_core.domain.change_commands import LineChange
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.order_changes import HoldEnd, OrderChange
from oms_core.domain.orders.placement import decide_placement
from oms_core.domain.orders.queueing import Settlement
from oms_core.domain.orders.returns import SHELVED, Disposition, ReturnLine
from oms_core.domain.orders.shipments import ShipmentLine, ShipmentStatus, Standing
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.locations import LocationKind, SetLocation
from oms_core.domain.stock.transfers import TransferStock
from oms_core.ports.queue_storage import SettleBatch

KeyedCommand: TypeAlias = PlaceOrder | AdjustStock | ReceiveStock

SKUS = ["A", "a", "B", "ß", "ss", "😀", "UNKNOWN"]
LOCATIONS = ["main", "north", "Ä"]
CALLERS = [
    Caller(name="clerk", scopes=ALL_SCOPES, request_id="request-1"),
    Caller(name="shop", scopes=ALL_SCOPES),
    Caller(name="shop of C2", scopes=ALL_SCOPES, customer_id="C2", request_id="request-2"),
]


def _at_place(drawn: tuple[ReturnLine, str | None]) -> ReturnLine:
    """Give a line of a return its location, if it is one of units that lie anywhere."""
    line, location = drawn
    return replace(line, location=location) if line.disposition in SHELVED else line


skus = st.sampled_from([*SKUS[:-1] * 3, *SKUS])
locations = st.none() | st.sampled_from(LOCATIONS)
callers = st.sampled_from([*[CALLERS[0]] * 3, *CALLERS])
small = st.integers(0, 12)
# One unit more than may be, exactly as many, and so few that a return takes them there.
counts = st.one_of([small] * 4) | st.sampled_from([COUNT_MAX, COUNT_MAX - 1, COUNT_MAX - 3])
keys = st.sampled_from([None, None, "K1", "K2", "k1", "K3"])
which_one = st.integers(0, 30)
prices = st.none() | st.sampled_from([Decimal(text) for text in ("0", "0.0001", "12.5", "12.5", "307445734561825")])
texts = st.sampled_from(["R", "r", "100%", "O'Hara"])
prose = texts | st.sampled_from(["a\u200cb\r\n\tc", " \\N", "\u2764\ufe0f"])
order_lines = st.builds(OrderLine, sku=skus, quantity=st.integers(1, 3), unit_price=prices)
orders = st.builds(
    PlaceOrder,
    customer_id=st.sampled_from(["C1", "C1", "C2"]),
    lines=st.lists(order_lines, min_size=1, max_size=3),
    reference=st.none() | texts,
    metadata=st.dictionaries(texts, prose, max_size=2),
    hold_seconds=st.sampled_from([None, None, 0, 900]),
    locations=st.sampled_from([None, None, None, ("north",), ("Ä", "main")]),
    idempotency_key=keys,
)
shipped_parts = st.fixed_dictionaries(
    {"idempotency_key": keys},
    optional={
        "location": st.sampled_from(LOCATIONS),
        "lines": st.lists(
            st.builds(ShipmentLine, line_no=st.integers(1, 3), quantity=st.integers(1, 4))
            | st.builds(ShipmentLine, sku=skus, quantity=st.integers(1, 4)),
            min_size=1,
            max_size=3,
            unique_by=lambda line: (line.line_no, line.sku),
        ),
        "carrier": st.sampled_from(["DHL", "UPS"]),
        "if_version": st.integers(1, 4),
    },
)
shipment_changes = st.fixed_dictionaries(
    {"carrier": st.sampled_from(["DHL", None])},
    optional={"status": st.sampled_from([ShipmentStatus.DELIVERED, ShipmentStatus.SHIPPED])},
)
returned_lines = st.builds(
    ReturnLine,
    line_no=st.none() | st.integers(1, 3),
    sku=skus,
    quantity=st.integers(1, 4),
    disposition=st.sampled_from([Disposition.RESTOCK, *Disposition]),
).map(lambda line: line if line.line_no is None else replace(line, sku=None))
returned_parts = st.fixed_dictionaries(
    {"idempotency_key": keys},
    optional={
        "lines": st.lists(
            st.tuples(returned_lines, st.sampled_from([None, *LOCATIONS, "yard"])).map(_at_place),
            min_size=1,
            max_size=3,
            unique_by=lambda line: (line.line_no, line.sku, line.disposition, line.location),
        ),
        "reference": texts,
        "if_version": st.integers(1, 4),
    },
)
changed_lines = st.fixed_dictionaries(
    {
        "lines": st.lists(
            st.builds(LineChange, line_no=st.integers(1, 4), quantity=st.integers(0, 5))
            | st.builds(LineChange, sku=skus, quantity=st.integers(1, 4), unit_price=prices),
            min_size=1,
            max_size=3,
            unique_by=lambda line: line.line_no or line.sku,
        )
    },
    optional={"idempotency_key": keys, "if_version": st.integers(1, 4), "reason": prose},
)
other_details = st.fixed_dictionaries(
    {"metadata": st.dictionaries(texts, st.none() | prose, max_size=2)},
    optional={"reference": st.none() | texts, "if_version": st.integers(1, 4)},
)
payments = st.sampled_from([None, "P1", "P2", "p1"])
sets = st.builds(
    SetStock,
    sku=skus,
    location=locations,
    name=st.none() | prose,
    low_stock_threshold=st.sampled_from([UNSET, None, 0, 3, 6]),
    kept_back=st.sampled_from([None, None, 0, 2, 30]),
) | st.builds(SetStock, sku=skus, location=locations, on_hand=counts, expected_on_hand=st.none() | small)
adjustments = st.builds(
    AdjustStock,
    sku=skus,
    delta=st.integers(-9, 9).filter(bool),
    reason=prose,
    location=locations,
    idempotency_key=keys,
)
location_changes = st.builds(
    SetLocation,
    name=st.sampled_from([*LOCATIONS, "MAIN", "yard"]),
    kind=st.sampled_from([None, None, *LocationKind]),
    sells=st.sampled_from([None, True, False]),
    ships=st.sampled_from([None, True, False]),
    note=st.sampled_from([UNSET, None, "told"]),
)
transfers = st.builds(
    TransferStock,
    sku=skus,
    quantity=st.integers(1, 9),
    from_location=st.sampled_from(LOCATIONS[:2]),
    to_location=st.sampled_from(LOCATIONS[2:]),
    idempotency_key=keys,
)
receipts = st.builds(ReceiveStock, sku=skus, quantity=st.integers(1, 9), location=locations, idempotency_key=keys)
limits = st.sampled_from([1, 2, 3, 50])
imported_counts = st.one_of([st.integers(-3, 12)] * 5) | st.just(COUNT_MAX)
imported_rows = st.lists(
    st.fixed_dictionaries(
        {
            "sku": skus,
            "quantity": imported_counts,
            "location": st.sampled_from(["", *LOCATIONS]),
        },
        optional={"name": prose, "reference": texts},
    ),
    max_size=8,
)


def let_run_out_now(oms: Oms, order_id: UUID) -> Order:
    """Let the hold of an order, if it has one, have ended a minute ago."""
    storage, caller = oms._ports.storage, CALLERS[0]
    until = storage.holds.clock() - timedelta(seconds=60)

    def decide(order: Order, _: Standing) -> OrderChange | None:
        if order.status is not OrderStatus.HELD:
            return None
        end = HoldEnd(until=until, extensions=order.hold_extensions)
        return OrderChange(status=OrderStatus.HELD, movements=(), hold=end)

    return storage.orders.change(order_id, owner=None, caller=caller, now=oms._ports.clock.now(), decide=decide)


def settle_one(oms: Oms, order_id: UUID) -> Settlement:
    """Settle one order, as a worker does."""
    batch = SettleBatch(order_ids=[order_id], claimed=(), stamp=Stamp.of(CALLERS[0], oms._ports.clock.now()))
    return oms._ports.storage.queue.settle(
        batch, lambda orders, view: decide_placement(orders, view, oms.settings.locations)
    )
