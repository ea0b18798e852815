"""Races over shipments: what is reserved once leaves once, and what is taken back comes back once."""

from __future__ import annotations

from functools import partial

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.order_races import ROUNDS, THREADS, attempt, buyers
from oms_contracts.storage_contract.shipping import deliver, standing, take_back, units, update
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.shipments import ShipmentStatus
from oms_core.domain.orders.statuses import OrderStatus


class ShipmentRacePromises:
    """Races over shipments."""

    def test_the_last_unit_is_shipped_by_one_of_sixteen(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.buy(("A", 3))
        shop.ship(order.id, lines=units((1, 2)))
        works = [
            partial(attempt, partial(hand.ship, order.id, lines=units((1, 1)))) for hand in buyers(shop, rival_shop)
        ]
        assert sorted(run_together(works)) == ["done"] + ["invalid_transition"] * (THREADS - 1)
        assert (standing(shop.get(order.id)), shop.levels("A")) == (("shipped", 3), {"main": (2, 0)})
        assert not shop.audit().discrepancies

    def test_shipments_of_parts_at_once_take_different_numbers(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 2 * THREADS)
        order = shop.buy(("A", 2 * THREADS))
        works = [partial(hand.ship, order.id, lines=units((1, 2))) for hand in buyers(shop, rival_shop)]
        numbers = sorted(made.shipment.shipment_no for made in run_together(works))
        assert numbers == list(range(1, THREADS + 1))
        assert (standing(shop.get(order.id)), shop.levels("A")) == (("shipped", THREADS + 1), {"main": (0, 0)})
        assert not shop.audit().discrepancies

    def test_of_shipping_a_part_and_cancelling_one_happens(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 1_000)
        for _ in range(ROUNDS):
            order = shop.buy(("A", 2))
            ship = partial(attempt, partial(shop.ship, order.id, lines=units((1, 1))))
            cancel = partial(attempt, partial(rival_shop.move, order.id, OrderStatus.CANCELLED))
            assert sorted(run_together([ship, cancel])) == ["done", "invalid_transition"]
            assert shop.get(order.id).version == 2
        assert not shop.audit().discrepancies

    def test_of_delivering_and_taking_back_one_happens(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 1_000)
        for _ in range(ROUNDS):
            order = shop.buy(("A", 2))
            shop.ship(order.id)
            ended = run_together(
                [
                    partial(attempt, partial(deliver, shop, order.id)),
                    partial(attempt, partial(take_back, rival_shop, order.id)),
                ]
            )
            assert ended in (["done", "shipment_delivered"], ["shipment_cancelled", "done"])
            assert shop.get(order.id).version == 3
        assert not shop.audit().discrepancies

    def test_taking_back_sixteen_times_at_once_brings_back_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.buy(("A", 2))
        shop.ship(order.id)
        run_together([partial(take_back, hand, order.id) for hand in buyers(shop, rival_shop)])
        assert (standing(shop.get(order.id)), shop.levels("A")) == (("processing", 3), {"main": (5, 2)})
        assert not shop.audit().discrepancies

    def test_one_key_on_sixteen_threads_is_one_shipment(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 50)
        order = shop.buy(("A", 40))
        works = [
            partial(hand.ship, order.id, lines=units((1, 1)), idempotency_key="K") for hand in buyers(shop, rival_shop)
        ]
        made = run_together(works)
        assert sorted(each.replayed for each in made) == [False] + [True] * (THREADS - 1)
        assert {each.shipment.shipment_no for each in made} == {1}
        assert shop.levels("A") == {"main": (49, 39)}
        assert not shop.audit().discrepancies

    def test_what_is_told_of_a_shipment_at_once_is_all_kept(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 50)
        order = shop.buy(("A", 1))
        shop.ship(order.id)
        works = [
            partial(update, shop, order.id, carrier="DHL"),
            partial(update, rival_shop, order.id, tracking_number="1Z"),
            partial(update, shop, order.id, tracking_url="https://x.example"),
            partial(update, rival_shop, order.id, status=ShipmentStatus.DELIVERED),
        ]
        run_together(works)
        (shipment,) = shop.shipped(order.id)
        assert (shipment.carrier, shipment.tracking_number, shipment.tracking_url, shipment.status) == (
            *("DHL", "1Z", "https://x.example"),
            ShipmentStatus.DELIVERED,
        )
        assert standing(shop.get(order.id)) == ("delivered", 6)
