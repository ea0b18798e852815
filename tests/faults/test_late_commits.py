"""A COMMIT that arrives while its client looks for it: the client waits for it, and what it does is done once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, cast

import pytest
from oms_contracts.storage_contract.api_keys import NOW, create, named, rotate
from oms_contracts.storage_contract.changing import change
from oms_contracts.storage_contract.changing import update as update_details
from oms_contracts.storage_contract.failing import rejected
from oms_contracts.storage_contract.importing import ADJUST, SET, apply, entry, key_of
from oms_contracts.storage_contract.keyed_changes import retry_once
from oms_contracts.storage_contract.locating import set_location
from oms_contracts.storage_contract.moving_many import move_many
from oms_contracts.storage_contract.returning import back, returns, take_in
from oms_contracts.storage_contract.shipping import take_back, update
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_contracts.storage_contract.workers import seen, worker
from oms_memory import open_storage as open_memory
from oms_peewee.postgresql import open_postgresql

from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import Refused
from oms_core.domain.orders.queueing import Claim
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.return_commands import CreateReturn
from oms_core.domain.shipment_commands import CreateShipment
from oms_core.domain.stock.transfers import TransferStock
from oms_core.ports.api_key_storage import ApiKeyStorage
from oms_core.ports.hold_storage import HoldStorage
from oms_core.ports.import_storage import ImportStorage
from oms_core.ports.location_storage import LocationStorage
from oms_core.ports.order_storage import OrderStorage
from oms_core.ports.queue_storage import OutboxStorage, QueueStorage, WorkerStorage
from oms_core.ports.storage import StockStorage, Storage, StorageOptions
from tests.adapters.postgresql_databases import empty, migrated_database
from tests.faults.commit_proxy import CommitProxy, Fate
from tests.faults.rivals import DEADLINE_SECONDS, WAITING, count
from tests.services.databases import PostgresqlServer

LOOKING_SECONDS = 0.3
PUBLISHING = StorageOptions(keeps_outbox=True)
KEY_NAMES = ("former", "shop")


class Stocked(NamedTuple):
    """A shop with something of everything."""

    shop: Shop
    bought: Order
    waiting: Order
    rejected: Order
    claimed: Order
    shipped: Order
    overdue: Order


def stocked(shop: Shop) -> Stocked:
    turned_down = rejected(shop)
    shop.set("WIDGET", 11, name="widget")
    shop.set("UNUSED", name="unused")
    set_location(shop, "shed")
    create(shop, "former")
    shop.storage.workers.beat(worker("former"))
    bought, waiting, claimed = shop.buy(("WIDGET", 2)), shop.queue_up(("WIDGET", 1)), shop.queue_up(("WIDGET", 1))
    shop.storage.queue.claim([claimed.id], lease_seconds=3_600)
    overdue = shop.hold(("WIDGET", 1), seconds=-60)
    shipped = shop.ship(shop.buy(("WIDGET", 1)).id).order
    shop.storage.holds.lease("former", seconds=-1)
    return Stocked(shop, bought, waiting, turned_down, claimed, shipped, overdue)


def first_unpublished(shop: Shop) -> int:
    return shop.storage.outbox.unpublished(limit=1)[0].id


WRITES: dict[str, Callable[[Stocked], object]] = {
    "a move": lambda at: at.shop.move(at.bought.id, OrderStatus.SHIPPED, if_version=1),
    "moves of many": lambda at: move_many(at.shop, [at.bought.id, at.waiting.id], OrderStatus.CANCELLED),
    "a shipment": lambda at: at.shop.ship(at.bought.id),
    "a shipment under a key": lambda at: at.shop.ship(at.bought.id, idempotency_key="K"),
    "what is told of a shipment": lambda at: update(at.shop, at.shipped.id, carrier="DHL"),
    "a shipment taken back": lambda at: take_back(at.shop, at.shipped.id),
    "shipments of many": lambda at: at.shop.shipments.create_many(
        [CreateShipment(order_id=at.bought.id, idempotency_key="K")], caller=at.shop.caller
    ),
    "a return": lambda at: take_in(at.shop, at.shipped.id, lines=back((1, 1), location="shed")),
    "a return under a key": lambda at: take_in(at.shop, at.shipped.id, idempotency_key="K"),
    "returns of many": lambda at: returns(at.shop).create_many(
        [CreateReturn(order_id=at.shipped.id, idempotency_key="K")], caller=at.shop.caller
    ),
    "a change of lines": lambda at: change(at.shop, at.bought.id, (1, 1), ("WIDGET", 4)),
    "a change of lines under a key": lambda at: change(at.shop, at.bought.id, (1, 5), idempotency_key="K"),
    "other details": lambda at: update_details(at.shop, at.bought.id, reference="R", metadata={"a": "b"}),
    "a cancellation of what waits": lambda at: at.shop.move(at.waiting.id, OrderStatus.CANCELLED),
    "a retry": lambda at: at.shop.retry(at.rejected.id),
    "a retry under a key": lambda at: retry_once(at.shop, at.rejected),
    "a failed try": lambda at: at.shop.fail(at.waiting.id, attempts=1),
    "a last try": lambda at: at.shop.fail(at.waiting.id, attempts=3),
    "a count": lambda at: at.shop.set("WIDGET", 20, expected_on_hand=10),
    "a correction": lambda at: at.shop.adjust("WIDGET", 3, idempotency_key="K"),
    "a transfer": lambda at: at.shop.stock.transfer(
        TransferStock(sku="WIDGET", quantity=1, from_location="main", to_location="north"), caller=at.shop.caller
    ),
    "a location": lambda at: set_location(at.shop, "yard", note="new"),
    "what is told of a location": lambda at: set_location(at.shop, "main", note="told"),
    "a location that does not sell": lambda at: set_location(at.shop, "main", sells=False),
    "what is kept back": lambda at: at.shop.set("WIDGET", kept_back=3),
    "a name": lambda at: at.shop.set("WIDGET", name="gadget"),
    "a level": lambda at: at.shop.set("WIDGET", 0, location="north"),
    "a product": lambda at: at.shop.set("GADGET", 3, name="gadget"),
    "a deletion": lambda at: at.shop.delete("UNUSED"),
    "an import": lambda at: apply(at.shop, SET, entry("GADGET", 3), entry("WIDGET", 20, name="gadget")),
    "an import of a name": lambda at: apply(at.shop, SET, entry("WIDGET", 10, name="gadget")),
    "an import under a key": lambda at: apply(at.shop, ADJUST, entry("NONE", 1), entry("WIDGET", 2), key=key_of()),
    "an order": lambda at: at.shop.place(at.shop.order(("WIDGET", 3)), at.shop.order(("NONE", 6))),
    "an order under a key": lambda at: at.shop.place(at.shop.order(("WIDGET", 3), idempotency_key="K")),
    "an order to be placed later": lambda at: at.shop.accept(at.shop.order(("WIDGET", 3), idempotency_key="K")),
    "a claim": lambda at: at.shop.storage.queue.claim([at.waiting.id], lease_seconds=3_600),
    "the end of a claim": lambda at: at.shop.storage.queue.unclaim([Claim(order_id=at.claimed.id, attempts=1)]),
    "a sweep": lambda at: at.shop.sweep(lease_seconds=3_600),
    "an expiry": lambda at: at.shop.expire(at.overdue.id),
    "the lease of the sweep of holds": lambda at: at.shop.storage.holds.lease("ours", seconds=3_600),
    "the end of that lease": lambda at: at.shop.storage.holds.release("former"),
    "a settlement": lambda at: at.shop.settle(at.waiting.id, claimed=[at.waiting.id]),
    "a sign of life": lambda at: at.shop.storage.workers.beat(worker("ours")),
    "the end of a worker": lambda at: at.shop.storage.workers.leave("former"),
    "a lease": lambda at: at.shop.storage.outbox.lease("ours", seconds=3_600),
    "the end of a lease": lambda at: at.shop.storage.outbox.release("former"),
    "what was published": lambda at: at.shop.storage.outbox.published([first_unpublished(at.shop)]),
    "a key": lambda at: create(at.shop).name,
    "a rotation": lambda at: rotate(at.shop, "former").number,
    "the use of a key": lambda at: at.shop.storage.keys.used(named(at.shop, "former")[0].id, now=NOW, not_since=NOW),
    "a revocation": lambda at: at.shop.storage.keys.revoke("former", by="root", now=NOW),
}


PARTS: dict[str, type] = {
    "orders": OrderStorage,
    "stock": StockStorage,
    "locations": LocationStorage,
    "imports": ImportStorage,
    "queue": QueueStorage,
    "holds": HoldStorage,
    "workers": WorkerStorage,
    "outbox": OutboxStorage,
    "keys": ApiKeyStorage,
}
READING = frozenset(
    {
        *(
            "get",
            "find",
            "allocations",
            "shipments",
            "returns",
            "events",
            "movements",
            "state",
            "rehearse",
            "refusals",
            "locations",
        ),
        *("settled", "sample", "unpublished", "of_name", "expire_orders_max", "clock", "overdue", "count_overdue"),
    }
)


@pytest.fixture(scope="module")
def database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    with migrated_database(postgresql_server) as url:
        yield url


@pytest.fixture
def proxy(database: str) -> Iterator[CommitProxy]:
    empty(database)
    proxy = CommitProxy(database)
    yield proxy
    proxy.close()
    assert proxy.losses == 1, "nothing was late, so nothing was tested"


@pytest.fixture
def shop(proxy: CommitProxy) -> Iterator[Shop]:
    storage = open_postgresql(proxy.url, PUBLISHING)
    yield new_shop(storage)
    storage.close()


@pytest.mark.parametrize("write", WRITES)
def test_what_a_late_commit_does_is_done_once(shop: Shop, proxy: CommitProxy, database: str, write: str) -> None:
    at, model = stocked(shop), stocked(model_shop())

    def let_it_look() -> None:
        ends_at = time.monotonic() + LOOKING_SECONDS
        while not count(database, WAITING) and time.monotonic() < ends_at:
            pass

    proxy.lose_next(Fate.LATE, then=let_it_look)
    assert comparable(WRITES[write](at)) == comparable(WRITES[write](model))
    assert proxy.met.wait(DEADLINE_SECONDS)
    assert state(at) == state(model)
    assert not shop.audit().discrepancies


def test_every_write_of_the_port_is_tried() -> None:
    called: set[tuple[str, str]] = set()
    for write in WRITES.values():
        at = stocked(model_shop())
        write(at._replace(shop=replace(at.shop, storage=cast("Storage", Recorder(at.shop.storage, called)))))
    writes = {
        (part, method)
        for part, protocol in PARTS.items()
        for method in vars(protocol)
        if method[0] != "_" and method not in READING
    }
    assert {call for call in called if call[1] not in READING} == writes


class Recorder:
    """A storage that notes which methods of its parts are called."""

    def __init__(self, storage: Storage, called: set[tuple[str, str]]) -> None:
        self._storage = storage
        self._called = called

    def __getattr__(self, part: str) -> object:
        return RecordedPart(part, getattr(self._storage, part), self._called)


class RecordedPart:
    """One part of it."""

    def __init__(self, name: str, part: object, called: set[tuple[str, str]]) -> None:
        self._name = name
        self._part = part
        self._called = called

    def __getattr__(self, method: str) -> object:
        self._called.add((self._name, method))
        return getattr(self._part, method)


def model_shop() -> Shop:
    return new_shop(open_memory("memory://", PUBLISHING))


def state(at: Stocked) -> dict[str, object]:
    """Give everything, without the numbers that a database gives out, of which some were for nothing."""
    shop = at.shop
    everything: dict[str, Any] = shop.everything()
    return {
        "products": everything["products"],
        "movements": {
            sku: [replace(row, id=0) for row in movements] for sku, movements in everything["movements"].items()
        },
        "orders": [comparable(order) for order in everything["orders"]],
        "events": {id: [replace(each, id=0) for each in events] for id, events in everything["events"].items()},
        "workers": seen(shop),
        "unpublished": [replace(each, id=0) for each in shop.storage.outbox.unpublished(limit=100)],
        "keys": [
            (key.name, key.number, key.revoked_by, key.expires_at, key.last_used_at)
            for name in KEY_NAMES
            for key in named(shop, name)
        ],
    }


def comparable(result: Any) -> Any:
    """Give it without what a database gives out: numbers, and the ends of holds, which are of its own clock."""
    if isinstance(result, Order):
        return replace(result, queue_no=None, hold_until=None)
    if isinstance(result, dict):
        return {key: comparable(each) for key, each in result.items()}
    if isinstance(result, Refused):
        return str(result.error)
    if isinstance(result, list):
        return [comparable(each) for each in result]
    if isinstance(result, tuple):
        return tuple(comparable(each) for each in result)
    return replace(result, order=comparable(result.order)) if hasattr(result, "order") else result
