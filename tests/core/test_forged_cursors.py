"""Cursors that somebody has changed, or made up: each is refused, or shows what its caller could have listed anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oms_core import (
    ALL_SCOPES,
    Caller,
    Event,
    Oms,
    OmsError,
    Order,
    OrderFilter,
    OrderLine,
    PlaceOrder,
    SetStock,
    Settings,
)
from oms_core.domain.pages import Page, encode_cursor

T = TypeVar("T")

STAFF = Caller(name="staff", scopes=ALL_SCOPES)
CUSTOMER = Caller(name="shop of C1", scopes=ALL_SCOPES, customer_id="C1")
# The database takes its time, and one shop serves all examples: they only read.
UNHURRIED = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Shop:
    """A system with orders of two customers by turns, and all cursors that lists of it have given."""

    oms: Oms
    own: list[Order]
    others: list[Order]
    cursors: list[str]


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def at(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("shop")
    url = "memory://" if request.param == "memory" else f"sqlite:///{folder / 'oms.db'}"
    with Oms.open(Settings(database_url=url)) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=100), caller=STAFF)
        orders = [
            oms.orders.place(
                PlaceOrder(customer_id=customer_id, lines=[OrderLine(sku="WIDGET", quantity=1)]), caller=STAFF
            ).order
            for customer_id in ("C1", "C2") * 4
        ]
        for order in orders:
            oms.orders.cancel(order.id, caller=STAFF)
        pages = [
            *(oms.orders.list(caller=STAFF, limit=limit).next for limit in range(1, 8)),
            *(oms.orders.events(order.id, caller=STAFF, limit=1).next for order in orders),
            oms.stock.movements("WIDGET", caller=STAFF, limit=3).next,
        ]
        yield Shop(oms, orders[::2], orders[1::2], [cursor for cursor in pages if cursor is not None])


@st.composite
def forged(draw: st.DrawFn) -> tuple[int, str, int]:
    """Draw which real cursor to change, what to put in, and where."""
    return draw(st.integers(0, 14)), draw(st.text("AZaz09-_=", max_size=3)), draw(st.integers(0, 60))


made_up = st.one_of(
    st.text(max_size=80),
    st.uuids().map(lambda key: encode_cursor("orders", str(key))),
    st.integers(0, 2**65).map(lambda key: encode_cursor("order_events", str(key))),
    st.builds(
        encode_cursor, st.sampled_from(["orders", "order_events", "movements"]), st.text("0-f' \x00", max_size=40)
    ),
)


def listed(at: Shop, cursor: str, wanted: OrderFilter) -> list[Order]:
    """Give what the customer's caller lists with a cursor: nothing where it is refused."""
    return shown(lambda: at.oms.orders.list(wanted, caller=CUSTOMER, cursor=cursor, limit=500))


def history(at: Shop, order_id: UUID, cursor: str) -> list[Event]:
    """Give the history that it reads with a cursor, likewise."""
    return shown(lambda: at.oms.orders.events(order_id, caller=CUSTOMER, cursor=cursor, limit=500))


def shown(read: Callable[[], Page[T]]) -> list[T]:
    """Give a page's items, or none where the cursor is refused for what it is."""
    try:
        return list(read().items)
    except OmsError as error:
        if (error.code, [found.pointer for found in error.errors]) != ("validation_error", ["/cursor"]):
            raise
        return []


def check(at: Shop, cursor: str) -> None:
    """Assert that a cursor shows the customer's own orders, newest first, and their own history, or nothing."""
    for wanted in (OrderFilter(), OrderFilter(sku="WIDGET"), OrderFilter(customer_id="C1")):
        assert all(order.customer_id == "C1" for order in listed(at, cursor, wanted))
    assert listed(at, cursor, OrderFilter(customer_id="C2")) == []
    own = at.own[0].id
    assert all(event.event.order_id == own for event in history(at, own, cursor))
    with pytest.raises(OmsError, match=r"order_not_found|validation_error"):
        at.oms.orders.events(at.others[0].id, caller=CUSTOMER, cursor=cursor)


@UNHURRIED
@given(change=forged())
def test_a_changed_cursor_shows_nothing_of_others(at: Shop, change: tuple[int, str, int]) -> None:
    which, text, place = change
    cursor = at.cursors[which % len(at.cursors)]
    check(at, cursor[:place] + text + cursor[place + len(text) :])


@UNHURRIED
@given(cursor=made_up)
def test_a_cursor_that_is_made_up_shows_nothing_of_others(at: Shop, cursor: str) -> None:
    check(at, cursor)


def test_the_real_cursors_of_others_show_the_rest_of_ones_own(at: Shop) -> None:
    for cursor in at.cursors:
        check(at, cursor)
    after_others = encode_cursor("orders", str(at.others[-1].id))
    assert [order.id for order in listed(at, after_others, OrderFilter())] == [order.id for order in at.own[::-1]]
