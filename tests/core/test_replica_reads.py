"""What is read on a replica, and what never is; and that the primary answers whatever the replica cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from oms_memory import MemoryStorage

from oms_core import (
    ALL_SCOPES,
    Caller,
    ChangeOrderStatus,
    Oms,
    OmsError,
    OrderFilter,
    OrderLine,
    OrderStatus,
    PlaceOrder,
    Ports,
    ProductFilter,
    SetStock,
    Settings,
)
from tests.memory_replica import AWAY, MemoryReplica, ReplicaMetrics

CALLER = Caller(name="clerk", scopes=ALL_SCOPES)
BOUND_SECONDS = 5


class Shop:
    """A system with a replica in memory."""

    def __init__(self) -> None:
        storage = MemoryStorage()
        self.replica = MemoryReplica(storage)
        self.metrics = ReplicaMetrics()
        self.oms = Oms(
            settings=Settings(database_url="memory://", group_commit=False, replica_lag_seconds_max=BOUND_SECONDS),
            ports=Ports(storage=storage, replica=self.replica, metrics=self.metrics),
        )
        self.stock("WIDGET")

    def stock(self, sku: str) -> None:
        self.oms.stock.set(SetStock(sku=sku, on_hand=1_000), caller=CALLER)

    def place(self) -> Any:
        command = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)])
        return self.oms.orders.place(command, caller=CALLER).order.id

    def listed(self) -> list[Any]:
        return [order.id for order in self.oms.orders.list(caller=CALLER).items]


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.oms.close()


# Every use case that may be read on the replica, and how old it says that what it shows is.
READS: dict[str, Callable[[Oms], float | None]] = {
    "orders.list": lambda oms: oms.orders.list(caller=CALLER).replica_lag_seconds,
    "stock.list": lambda oms: oms.stock.list(caller=CALLER).replica_lag_seconds,
    "stock.movements": lambda oms: oms.stock.movements("WIDGET", caller=CALLER).replica_lag_seconds,
    "stock.export": lambda oms: exported(oms)[1],
    "orders.export": lambda oms: exported_orders(oms)[1],
    "audit": lambda oms: oms.audit(caller=CALLER).replica_lag_seconds,
}


def exported(oms: Oms) -> tuple[list[str], float | None]:
    export = oms.stock.export(ProductFilter(), caller=CALLER)
    return [product.sku for product in export], export.replica_lag_seconds


def exported_orders(oms: Oms) -> tuple[list[str], float | None]:
    export = oms.orders.export(caller=CALLER)
    return [str(order.id) for order in export], export.replica_lag_seconds


@pytest.mark.parametrize("name", READS)
def test_lists_exports_and_the_audit_are_read_on_the_replica_and_say_how_old_they_may_be(shop: Shop, name: str) -> None:
    lag = READS[name](shop.oms)
    assert lag is not None
    assert 0.0 <= lag < BOUND_SECONDS
    assert shop.metrics.reads.keys() == {"replica"}


@pytest.mark.parametrize("name", READS)
def test_without_a_replica_nothing_is_said(name: str) -> None:
    with Oms.open(Settings(database_url="memory://")) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=1), caller=CALLER)
        assert READS[name](oms) is None
        assert oms.describe().replica is None
        assert not oms.is_replica_degraded()


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (lambda replica: setattr(replica, "place_fault", AWAY), "away"),
        (lambda replica: setattr(replica, "read_fault", AWAY), "failed"),
        (lambda replica: setattr(replica, "read_fault", OmsError("schema_outdated", "it lacks a table")), "failed"),
        (lambda replica: setattr(replica, "read_fault", OmsError("storage_unusable", "a right is missing")), "failed"),
        (lambda replica: setattr(replica, "read_fault", OmsError("internal_error", "a defect")), "failed"),
        (lambda replica: replica.stop(), "late"),
    ],
    ids=["away", "cannot be read", "schema behind", "no right", "defect", "late"],
)
def test_the_primary_answers_what_the_replica_cannot(
    shop: Shop, name: str, break_it: Callable[[MemoryReplica], None], why: str
) -> None:
    break_it(shop.replica)
    assert READS[name](shop.oms) is None
    assert shop.metrics.reads[why] >= 1
    assert shop.metrics.reads["replica"] == 0
    assert shop.oms.is_replica_degraded()
    shop.oms.check()


def test_an_error_that_the_request_deserves_is_told_at_once(shop: Shop) -> None:
    for ask in (
        lambda: shop.oms.orders.list(caller=CALLER, limit=0),
        lambda: shop.oms.stock.list(caller=CALLER, cursor="forged"),
        lambda: shop.oms.orders.list(caller=CALLER, cursor="forged"),
    ):
        with pytest.raises(OmsError) as caught:
            ask()
        assert caught.value.code == "validation_error"
    assert not shop.oms.is_replica_degraded()


def test_a_stale_list_is_answered_within_the_bound_and_says_so(shop: Shop) -> None:
    """The control of the next test: the replica really shows less than the primary has."""
    before = shop.place()
    assert shop.listed() == [before]
    shop.replica.stop()
    shop.place()
    page = shop.oms.orders.list(caller=CALLER)
    assert [order.id for order in page.items] == [before]
    assert page.replica_lag_seconds is not None
    assert page.replica_lag_seconds > 0.0


def test_what_a_caller_has_just_written_is_read_from_the_primary(shop: Shop) -> None:
    assert shop.listed() == []
    shop.replica.stop()
    order_id = shop.place()
    shop.stock("NEW")
    assert shop.listed() == []
    assert shop.oms.orders.get(order_id, caller=CALLER).id == order_id
    assert [event.event.type for event in shop.oms.orders.events(order_id, caller=CALLER).items] == ["order.placed"]
    assert shop.oms.stock.get("NEW", caller=CALLER).on_hand == 1_000
    shop.oms.orders.change_status(
        ChangeOrderStatus(order_id=order_id, status=OrderStatus.SHIPPED, if_version=1), caller=CALLER
    )
    assert shop.oms.orders.get(order_id, caller=CALLER).status is OrderStatus.SHIPPED


def test_what_decides_on_writes_is_read_from_the_primary(shop: Shop) -> None:
    """Retrying many orders looks for them first."""
    shop.replica.read_fault = OmsError("forbidden", "the replica was read")
    with pytest.raises(OmsError, match="the replica was read"):
        shop.listed()
    assert shop.oms.orders.retry_many(OrderFilter(), caller=CALLER).retried == 0
    order_id = shop.place()
    assert shop.oms.orders.cancel(order_id, caller=CALLER).status is OrderStatus.CANCELLED


def test_the_ledger_of_a_product_that_the_replica_does_not_have_yet_is_the_primarys(shop: Shop) -> None:
    assert shop.listed() == []
    shop.replica.stop()
    shop.stock("NEW")
    assert len(shop.oms.stock.movements("NEW", caller=CALLER).items) == 1
    assert shop.metrics.reads["not_found"] == 1
    with pytest.raises(OmsError) as caught:
        shop.oms.stock.movements("NEVER", caller=CALLER)
    assert caught.value.code == "sku_not_found"
    assert not shop.oms.is_replica_degraded()


def test_a_list_goes_on_at_the_primary_where_the_replica_has_gone(shop: Shop) -> None:
    placed = [shop.place() for _ in range(5)]
    first = shop.oms.orders.list(caller=CALLER, limit=2)
    shop.replica.read_fault = AWAY
    second = shop.oms.orders.list(caller=CALLER, limit=2, cursor=first.next)
    assert (first.replica_lag_seconds is None, second.replica_lag_seconds is None) == (False, True)
    assert [order.id for order in (*first.items, *second.items)] == placed[::-1][:4]


def test_an_export_goes_on_at_the_primary_and_keeps_the_age_of_what_it_has(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oms_core.use_cases.stock.PAGE_ITEMS_MAX", 2)
    for number in range(5):
        shop.stock(f"SKU-{number}")
    export = shop.oms.stock.export(caller=CALLER)
    first = next(export).sku
    shop.replica.read_fault = AWAY
    assert [first, *(product.sku for product in export)] == [*(f"SKU-{number}" for number in range(5)), "WIDGET"]
    assert export.replica_lag_seconds is not None


def test_an_audit_of_a_replica_finds_what_is_wrong_there(shop: Shop) -> None:
    assert shop.listed() == []
    shop.replica.stop()
    product = shop.replica.shown.tables.products["WIDGET"]
    shop.replica.shown.tables.products["WIDGET"] = _with_more(product)
    assert len(shop.oms.audit(caller=CALLER).discrepancies) == 1
    shop.replica.go_on()
    assert not shop.oms.audit(caller=CALLER).discrepancies


def test_closing_closes_the_replica_too(shop: Shop) -> None:
    shop.oms.close()
    assert shop.replica.is_closed


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"database_read_url": "nosuch://x"}, "OMS_DATABASE_READ_URL: nothing installed serves nosuch://"),
        ({"database_read_url": "memory://"}, "OMS_DATABASE_READ_URL: nothing installed serves memory://"),
        ({"database_read_url": "sqlite:///x.db"}, "OMS_DATABASE_READ_URL: nothing installed serves sqlite://"),
        (
            {"database_url": "postgres://h/d", "database_read_url": "postgres://h/d?nope=1"},
            "OMS_DATABASE_READ_URL: libpq knows no parameter 'nope'",
        ),
        (
            {"database_url": "postgres://h/d", "database_read_url": "postgres://h:x/d"},
            "OMS_DATABASE_READ_URL is no PostgreSQL URL",
        ),
        (
            {"database_read_url": "postgresql://h/d"},
            "OMS_DATABASE_READ_URL: a PostgreSQL server is no replica of memory of this process",
        ),
        (
            {"database_url": "sqlite:///x.db", "database_read_url": "postgresql://h/d"},
            "OMS_DATABASE_READ_URL: a PostgreSQL server is no replica of SQLite",
        ),
    ],
)
def test_a_wrong_url_of_a_replica_is_an_error_of_opening(given: dict[str, Any], said: str) -> None:
    with pytest.raises(OmsError, match=said) as caught:
        Oms.open(Settings(**{"database_url": "memory://"} | given))
    assert caught.value.code == "invalid_setting"


def _with_more(product: Any) -> Any:
    level = replace(product.levels[0], on_hand=product.levels[0].on_hand + 1)
    return replace(product, levels=(level, *product.levels[1:]))
