"""Shipments whose COMMIT was lost while a rival went on with the order: made, told and taken back once."""

from __future__ import annotations

import pytest

from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.order_races import attempt
from oms_contracts.storage_contract.shipping import deliver, figures, standing, take_back, units, update
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.shipment_commands import CreateShipment


class LostShipmentCommitPromises:
    """Shipping, telling, delivering and taking back, with the answer to the COMMIT lost and a rival at work."""

    @pytest.mark.parametrize("key", [None, "K"])
    def test_a_shipment_that_a_rival_has_followed_was_made_once(self, lossy_shop: LossyShop, key: str | None) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        order = ours.buy(("A", 3))
        made, theirs = lossy_shop.losing(
            lambda: ours.ship(order.id, lines=units((1, 1)), idempotency_key=key), lambda: rival.ship(order.id)
        )
        assert (made.shipment.shipment_no, made.replayed, theirs.shipment.shipment_no) == (1, False, 2)
        assert standing(made.order) == standing(theirs.order) == ("shipped", 3)
        assert ours.levels("A") == {"main": (2, 0)}
        assert not ours.audit().discrepancies

    def test_a_shipment_that_a_rival_has_taken_back_since_was_made_once(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        order = ours.buy(("A", 3))
        made, _ = lossy_shop.losing(lambda: ours.ship(order.id), lambda: take_back(rival, order.id))
        assert (standing(made.order), figures(made.shipment)[:2]) == (("processing", 3), (1, "cancelled"))
        assert ours.levels("A") == {"main": (5, 3)}
        assert not ours.audit().discrepancies

    def test_a_rival_who_ships_the_rest_too_finds_nothing_left(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        order = ours.buy(("A", 3))
        made, refused = lossy_shop.losing(lambda: ours.ship(order.id), lambda: attempt(lambda: rival.ship(order.id)))
        assert (standing(made.order), refused) == (("shipped", 2), "invalid_transition")
        assert ours.levels("A") == {"main": (2, 0)}

    def test_a_shipment_that_was_taken_back_and_sent_again_since_came_back_once(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        order = ours.buy(("A", 3))
        ours.ship(order.id)
        back, again = lossy_shop.losing(lambda: take_back(ours, order.id), lambda: rival.ship(order.id))
        assert (figures(back.shipment)[:2], again.shipment.shipment_no) == ((1, "cancelled"), 2)
        assert (standing(back.order), ours.levels("A")) == (("shipped", 4), {"main": (2, 0)})
        assert not ours.audit().discrepancies

    def test_what_a_rival_has_told_anew_since_stays(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        order = ours.buy(("A", 3))
        ours.ship(order.id)
        told, _ = lossy_shop.losing(
            lambda: update(ours, order.id, carrier="DHL"), lambda: update(rival, order.id, carrier="UPS")
        )
        assert (told.shipment.carrier, standing(told.order)) == ("UPS", ("shipped", 4))

    def test_a_delivery_that_a_rival_has_followed_was_told_once(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        order = ours.buy(("A", 3))
        ours.ship(order.id)
        delivered, _ = lossy_shop.losing(
            lambda: deliver(ours, order.id), lambda: rival.move(order.id, OrderStatus.RETURNED)
        )
        assert standing(delivered.order) == ("returned", 4)
        assert ours.levels("A") == {"main": (5, 0)}

    @pytest.mark.parametrize("keys", [(None, None), ("K-1", "K-2")])
    def test_many_shipments_that_a_rival_has_gone_on_with_were_made_once(
        self, lossy_shop: LossyShop, keys: tuple[str | None, str | None]
    ) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 9)
        orders = [ours.buy(("A", 3)) for _ in keys]
        commands = [
            CreateShipment(order_id=order.id, lines=units((1, 1)), idempotency_key=key)
            for order, key in zip(orders, keys, strict=True)
        ]
        outcomes, _ = lossy_shop.losing(
            lambda: ours.shipments.create_many(commands, caller=ours.caller), lambda: rival.ship(orders[0].id)
        )
        assert [(each.act_no, each.replayed) for each in outcomes] == [(1, False)] * 2  # type: ignore[union-attr]
        assert [standing(ours.get(order.id)) for order in orders] == [("shipped", 3), ("partly_shipped", 2)]
        assert ours.levels("A") == {"main": (5, 2)}
        assert not ours.audit().discrepancies

    def test_a_rival_who_makes_the_same_shipments_under_their_keys_finds_them_made(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 9)
        commands = [CreateShipment(order_id=ours.buy(("A", 1)).id, idempotency_key=f"K-{n}") for n in range(3)]
        outcomes, theirs = lossy_shop.losing(
            lambda: ours.shipments.create_many(commands, caller=ours.caller),
            lambda: rival.shipments.create_many(commands, caller=rival.caller),
        )
        assert [each.replayed for each in (*outcomes, *theirs)] == [False] * 3 + [True] * 3  # type: ignore[union-attr]
        assert ours.levels("A") == {"main": (6, 0)}
