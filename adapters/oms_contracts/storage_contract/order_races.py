"""Sixteen buyers at once: nothing is sold twice, nothing that is there is refused, nobody stands in a deadlock.

Both shops work on one database; with two storages open on it, the threads share neither lock nor connection.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.shop import Shop, placed
from oms_core.domain.orders.placement import PlacementOutcome, Refused
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError

THREADS = 16
UNITS = 500
ROUNDS = 10


def buyers(shop: Shop, rival_shop: Shop) -> list[Shop]:
    """Return sixteen buyers their shop, by turns the one and the other."""
    return [(shop, rival_shop)[number % 2] for number in range(THREADS)]


def buy_until_refused(shop: Shop, sku: str) -> list[PlacementOutcome]:
    """Buy one unit after another until there is none left; the refusal comes last."""
    outcomes: list[PlacementOutcome] = []
    while not (outcomes and isinstance(outcomes[-1], Refused)):
        outcomes += shop.place(shop.order((sku, 1)))
    return outcomes


def attempt(work: Callable[[], object]) -> str:
    """Do something, and say how it ended: `done` or the error's code."""
    try:
        work()
    except OmsError as error:
        return error.code
    return "done"


class OrderRacePromises:
    """Races over orders."""

    def test_sixteen_buyers_of_five_hundred_units_get_exactly_five_hundred(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("HOT", UNITS)
        works = [partial(buy_until_refused, buyer, "HOT") for buyer in buyers(shop, rival_shop)]
        ended = [outcome for outcomes in run_together(works) for outcome in outcomes]
        refusals = [outcome.error for outcome in ended if isinstance(outcome, Refused)]
        figures = {"shortages": [{"sku": "HOT", "requested": 1, "available": 0}]}
        assert len(ended) - len(refusals) == UNITS
        assert [(error.code, error.data) for error in refusals] == [("insufficient_inventory", figures)] * THREADS
        assert shop.levels("HOT") == {"main": (UNITS, UNITS)}
        assert not shop.audit().discrepancies

    def test_orders_over_the_same_products_in_opposite_order_do_not_block_each_other(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        skus = [f"SKU-{number}" for number in range(8)]
        for sku in skus:
            shop.set(sku, 1_000)

        def buy(buyer: Shop, order: list[str]) -> list[bool]:
            return [placed(buyer.place(buyer.order(*((sku, 1) for sku in order)))[0]).replayed for _ in range(ROUNDS)]

        works = [
            partial(buy, buyer, skus[::step])
            for buyer, step in zip(buyers(shop, rival_shop), [1, -1, -1, 1] * (THREADS // 4), strict=True)
        ]
        assert run_together(works) == [[False] * ROUNDS] * THREADS
        assert {sku: shop.product(sku).reserved for sku in skus} == dict.fromkeys(skus, THREADS * ROUNDS)
        assert not shop.audit().discrepancies

    def test_one_key_on_sixteen_threads_is_one_order(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 100)
        for number in range(ROUNDS):
            placements = [
                buyer.order(("WIDGET", 1), idempotency_key=f"K-{number}") for buyer in buyers(shop, rival_shop)
            ]
            hands = zip(buyers(shop, rival_shop), placements, strict=True)
            outcomes = [placed(one[0]) for one in run_together([partial(hand.place, order) for hand, order in hands])]
            assert len({outcome.order.id for outcome in outcomes}) == 1
            assert sorted(outcome.replayed for outcome in outcomes) == [False] + [True] * (THREADS - 1)
        assert shop.levels("WIDGET") == {"main": (100, ROUNDS)}

    def test_one_key_for_two_commands_is_taken_by_one(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 100)
        for number in range(ROUNDS):
            works = [
                partial(buyer.place, buyer.order(("WIDGET", quantity), idempotency_key=f"K-{number}"))
                for quantity, buyer in enumerate((shop, rival_shop), start=1)
            ]
            codes = [one.error.code if isinstance(one, Refused) else "" for (one,) in run_together(works)]
            assert sorted(codes) == ["", "idempotency_key_reused"]
        assert not shop.audit().discrepancies

    def test_of_cancelling_and_shipping_one_happens(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 100)
        for _ in range(ROUNDS):
            order = shop.buy(("WIDGET", 1))
            ended = run_together(
                [
                    partial(attempt, partial(shop.move, order.id, OrderStatus.SHIPPED)),
                    partial(attempt, partial(rival_shop.move, order.id, OrderStatus.CANCELLED)),
                ]
            )
            assert sorted(ended) == ["done", "invalid_transition"]
        assert not shop.audit().discrepancies

    def test_cancelling_sixteen_times_at_once_releases_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 10)
        order = shop.buy(("WIDGET", 4))
        works = [partial(hand.move, order.id, OrderStatus.CANCELLED) for hand in buyers(shop, rival_shop)]
        assert [moved.version for moved in run_together(works)] == [2] * THREADS
        assert len(shop.events(order.id)) == 2
        assert shop.levels("WIDGET") == {"main": (10, 0)}

    def test_buying_shipping_cancelling_and_counting_at_once_stay_in_balance(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        for sku in ("A", "B"):
            shop.set(sku, 200)

        def buy_and_ship(hand: Shop) -> None:
            for _ in range(ROUNDS):
                hand.move(hand.buy(("A", 1), ("B", 1)).id, OrderStatus.SHIPPED)

        def buy_and_cancel(hand: Shop) -> None:
            for _ in range(ROUNDS):
                hand.move(hand.buy(("B", 1), ("A", 1)).id, OrderStatus.CANCELLED)

        def count(hand: Shop) -> None:
            for _ in range(ROUNDS):
                hand.adjust("A", 1)
                hand.receive("B", 1, location="north")

        jobs = [buy_and_ship, buy_and_cancel, count, buy_and_cancel]
        hands = buyers(shop, rival_shop)[:8]
        run_together([partial(job, hand) for hand, job in zip(hands, jobs * 2, strict=True)])
        shipped = counted = 2 * ROUNDS
        changes = 1 + 6 * ROUNDS * 2 + counted  # Setting up; six hands who place and move; two who count.
        for sku in ("A", "B"):
            product = shop.product(sku)
            assert (product.available, product.reserved, product.version) == (200 - shipped + counted, 0, changes)
        assert not shop.audit().discrepancies
