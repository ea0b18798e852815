"""What `OutboxStorage` promises: every event once until it is published, in order, and one who publishes at a time."""

from __future__ import annotations

from collections.abc import Callable

from oms_contracts.storage_contract.hooks import StorageHooks
from oms_contracts.storage_contract.importing import apply_batch
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.events import Event
from oms_core.domain.import_commands import ImportMode
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.import_decisions import StockEntry
from oms_core.ports.import_storage import ImportBatch, ImportState

LONG_SECONDS = 3_600.0
BUYER = Caller(name="buyer", scopes=ALL_SCOPES, request_id="request-9")


def unpublished(shop: Shop, limit: int = 500) -> list[Event]:
    """List the events that are to be published."""
    return shop.storage.outbox.unpublished(limit=limit)


def import_counts(shop: Shop, **on_hand: int) -> None:
    """Set stock as an import does."""
    entries = [
        StockEntry(sku=sku, location="main", quantity=quantity, name=None, reason=None, reference=None, rows=1)
        for sku, quantity in sorted(on_hand.items())
    ]
    batch = ImportBatch(mode=ImportMode.SET, entries=entries)
    apply_batch(shop, batch, None, ImportState())


def do_everything(shop: Shop) -> list[tuple[str, Callable[[], object]]]:
    """Return every way in which events are written, in turn, each with the types that it writes."""
    shop.set("WIDGET", 10, low_stock_threshold=5)
    placed = shop.order(("WIDGET", 5))
    waiting = [shop.order(("WIDGET", quantity)) for quantity in (5, 1, 1)]
    ids = [each.id for each in waiting]
    return [
        ("order.placed stock.low", lambda: shop.place(placed)),
        ("order.queued order.queued order.queued", lambda: shop.accept(*waiting)),
        ("order.placed order.rejected stock.depleted", lambda: shop.settle(*ids[:2])),
        ("", lambda: shop.storage.queue.claim(ids, lease_seconds=0)),
        ("", lambda: shop.fail(ids[2], attempts=1, jitter=0.0)),
        ("order.failed", lambda: shop.fail(ids[2], attempts=3)),
        ("order.retried", lambda: shop.retry(ids[2])),
        ("order.cancelled", lambda: shop.move(ids[2], OrderStatus.CANCELLED)),
        ("order.cancelled stock.low", lambda: shop.move(placed.id, OrderStatus.CANCELLED)),
        ("stock.replenished", lambda: shop.receive("WIDGET", 1)),
        ("stock.low", lambda: shop.adjust("WIDGET", -1)),
        ("stock.replenished", lambda: shop.set("WIDGET", 20)),
        ("", lambda: shop.set("OTHER", 1)),
        ("stock.depleted stock.low", lambda: import_counts(shop, OTHER=0, WIDGET=9)),
        ("order.shipped shipment.created", lambda: shop.move(ids[0], OrderStatus.SHIPPED)),
        ("order.returned return.created stock.replenished", lambda: shop.move(ids[0], OrderStatus.RETURNED)),
    ]


class OutboxPromises(StorageHooks):
    """Events that are to be published."""

    def test_every_event_is_marked_whatever_writes_it(self, publishing_shop: Shop) -> None:
        shop = publishing_shop
        for types, step in do_everything(shop):
            step()
            events = unpublished(shop)
            assert sorted(event.event.type.value for event in events) == types.split(), types
            shop.storage.outbox.published([event.id for event in events])

    def test_nothing_is_marked_where_nothing_is_published(self, shop: Shop) -> None:
        for _, step in do_everything(shop):
            step()
        assert unpublished(shop) == []

    def test_what_is_to_be_published_is_the_event_as_it_was_written(self, publishing_shop: Shop) -> None:
        shop = publishing_shop.of(BUYER)
        shop.set("WIDGET", 1)
        order = shop.queue_up(("WIDGET", 1))
        shop.settle(order.id)
        queued, placed, depleted = unpublished(shop)
        assert [queued, placed] == shop.events(order.id)
        assert (depleted.event.sku, depleted.event.order_id, depleted.actor) == ("WIDGET", None, "buyer")
        assert depleted.event.data == {"available": 0, "low_stock_threshold": None}

    def test_events_are_given_oldest_first_and_no_more_than_asked_for(self, publishing_shop: Shop) -> None:
        shop = publishing_shop
        shop.set("WIDGET", 100)
        shop.accept(*(shop.order(("WIDGET", 1)) for _ in range(5)))
        shop.place(*(shop.order(("WIDGET", 1)) for _ in range(5)))
        events = unpublished(shop)
        assert [event.id for event in events] == sorted({event.id for event in events})
        assert len(events) == 10
        assert unpublished(shop, limit=3) == events[:3]

    def test_what_was_published_is_given_no_more_and_stays_in_the_history(self, publishing_shop: Shop) -> None:
        shop = publishing_shop
        shop.set("WIDGET", 100)
        orders = [shop.queue_up(("WIDGET", 1)) for _ in range(4)]
        first, second, third, fourth = unpublished(shop)
        shop.storage.outbox.published([first.id, third.id])
        assert unpublished(shop) == [second, fourth]
        shop.storage.outbox.published([third.id, second.id, fourth.id + 1_000])
        assert unpublished(shop) == [fourth]
        shop.storage.outbox.published([])
        assert [shop.events(order.id) for order in orders] == [[first], [second], [third], [fourth]]

    def test_what_is_refused_or_replayed_is_not_published(self, publishing_shop: Shop) -> None:
        shop = publishing_shop
        shop.set("WIDGET", 1)
        shop.queue_up(("WIDGET", 1), idempotency_key="K")
        before = unpublished(shop)
        shop.accept(shop.order(("WIDGET", 1), idempotency_key="K"), shop.order(("UNKNOWN", 1)))
        shop.place(shop.order(("WIDGET", 2)))
        assert unpublished(shop) == before

    def test_five_hundred_orders_are_five_hundred_events_once_each(self, publishing_shop: Shop) -> None:
        shop = publishing_shop
        shop.set("WIDGET", 1_000)
        placements = [shop.order(("WIDGET", 1)) for _ in range(500)]
        shop.accept(*placements)
        queued = unpublished(shop)
        assert {event.event.order_id for event in queued} == {each.id for each in placements}
        shop.storage.outbox.published([event.id for event in queued])
        shop.settle(*(each.id for each in placements))
        placed = unpublished(shop)
        assert len(placed) == 500
        assert {event.event.order_id for event in placed} == {each.id for each in placements}


class LeasePromises:
    """Who publishes."""

    def test_one_holder_at_a_time_may_publish(self, shop: Shop, rival_shop: Shop) -> None:
        assert shop.storage.outbox.lease("ours", seconds=LONG_SECONDS)
        assert not rival_shop.storage.outbox.lease("theirs", seconds=LONG_SECONDS)
        assert shop.storage.outbox.lease("ours", seconds=LONG_SECONDS)
        assert not rival_shop.storage.outbox.lease("theirs", seconds=0)

    def test_a_lease_that_is_over_goes_to_whoever_asks(self, shop: Shop, rival_shop: Shop) -> None:
        assert shop.storage.outbox.lease("ours", seconds=LONG_SECONDS)
        assert shop.storage.outbox.lease("ours", seconds=0)
        assert rival_shop.storage.outbox.lease("theirs", seconds=LONG_SECONDS)
        assert not shop.storage.outbox.lease("ours", seconds=LONG_SECONDS)

    def test_a_lease_is_given_back_by_its_holder_alone(self, shop: Shop, rival_shop: Shop) -> None:
        rival_shop.storage.outbox.release("theirs")
        assert shop.storage.outbox.lease("ours", seconds=LONG_SECONDS)
        rival_shop.storage.outbox.release("theirs")
        assert not rival_shop.storage.outbox.lease("theirs", seconds=LONG_SECONDS)
        shop.storage.outbox.release("ours")
        assert rival_shop.storage.outbox.lease("theirs", seconds=LONG_SECONDS)
