"""Orders that wait, workers and the relay: a lost COMMIT counts no try twice, and takes nothing from a rival."""

from __future__ import annotations

from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.shop import placed
from oms_contracts.storage_contract.workers import seen, worker
from oms_core.domain.orders.placement import EnteredAs
from oms_core.domain.orders.queueing import Claim
from oms_core.domain.orders.statuses import OrderStatus

LONG_SECONDS = 3_600.0


class LostQueueCommitPromises:
    """Accepting, claiming, settling, signs of life and leases, with the answer lost and a rival at work."""

    def test_an_order_that_a_rival_settles_since_was_accepted(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.order(("WIDGET", 2), idempotency_key="K")
        (outcome,), _ = lossy_shop.losing(lambda: ours.accept(order), lambda: rival.settle(order.id))
        accepted = placed(outcome)
        assert (accepted.order, accepted.entered_as, accepted.replayed) == (ours.get(order.id), EnteredAs.QUEUED, False)
        assert accepted.order.status is OrderStatus.PENDING
        assert len(ours.events(order.id)) == 2

    def test_what_was_settled_is_told_whatever_a_rival_has_made_of_it(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        first, second, third = (ours.queue_up(("WIDGET", quantity)) for quantity in (2, 4, 1))
        ids = [first.id, second.id, third.id]
        ours.storage.queue.claim(ids, lease_seconds=0)

        def act() -> None:
            rival.move(first.id, OrderStatus.SHIPPED)
            rival.retry(second.id)
            rival.storage.queue.claim([second.id], lease_seconds=LONG_SECONDS)

        settlement, _ = lossy_shop.losing(lambda: ours.settle(*ids, claimed=ids), act)
        assert settlement.left == ()
        assert [settlement.statuses[order_id].value for order_id in ids] == ["pending", "rejected", "pending"]
        ended = [(order.status.value, order.version, order.attempts) for order in map(ours.get, ids)]
        assert ended == [("shipped", 3, 0), ("queued", 3, 1), ("pending", 2, 0)]
        assert ours.levels("WIDGET") == {"main": (3, 1)}
        assert not ours.audit().discrepancies

    def test_what_a_rival_accepts_meanwhile_is_settled_by_others(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 2)
        order = ours.queue_up(("WIDGET", 2))
        late = rival.order(("WIDGET", 1))
        settlement, _ = lossy_shop.losing(lambda: ours.settle(order.id, late.id), lambda: rival.accept(late))
        assert settlement.statuses[order.id] is OrderStatus.PENDING
        assert ours.levels("WIDGET") == {"main": (2, 2)}
        assert not ours.audit().discrepancies

    def test_a_try_is_counted_once_for_each_who_claims(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        kept, taken, gone = (ours.queue_up(("WIDGET", 1)) for _ in range(3))

        def act() -> None:
            rival.storage.queue.claim([taken.id], lease_seconds=LONG_SECONDS)
            rival.move(gone.id, OrderStatus.CANCELLED)

        claims, _ = lossy_shop.losing(
            lambda: ours.storage.queue.claim([kept.id, taken.id, gone.id], lease_seconds=LONG_SECONDS), act
        )
        assert claims == [Claim(order_id=kept.id, attempts=1), Claim(order_id=taken.id, attempts=2)]
        assert [ours.get(order.id).attempts for order in (kept, taken)] == [1, 2]

    def test_a_try_is_taken_back_once_and_none_of_a_rival(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        kept, taken = (ours.queue_up(("WIDGET", 1)) for _ in range(2))
        held = ours.storage.queue.claim([kept.id, taken.id], lease_seconds=LONG_SECONDS)
        lossy_shop.losing(
            lambda: ours.storage.queue.unclaim(held),
            lambda: rival.storage.queue.claim([taken.id], lease_seconds=LONG_SECONDS),
        )
        assert [ours.get(order.id).attempts for order in (kept, taken)] == [0, 1]
        assert rival.sweep() == [kept.id]

    def test_a_try_that_a_rival_has_put_off_since_is_not_counted_again(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.queue_up(("WIDGET", 1))
        claims, _ = lossy_shop.losing(
            lambda: ours.storage.queue.claim([order.id], lease_seconds=LONG_SECONDS),
            lambda: rival.fail(order.id, attempts=1),
        )
        assert claims == [Claim(order_id=order.id, attempts=1)]
        assert ours.get(order.id).attempts == 1

    def test_what_was_swept_is_given_though_the_rival_finds_nothing(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        ids = [ours.queue_up(("WIDGET", 1)).id for _ in range(3)]
        swept, theirs = lossy_shop.losing(
            lambda: ours.sweep(lease_seconds=LONG_SECONDS), lambda: rival.sweep(lease_seconds=LONG_SECONDS)
        )
        assert (swept, theirs) == (ids, [])
        assert {ours.get(order_id).attempts for order_id in ids} == {1}

    def test_a_sweep_of_what_a_rival_settles_since_goes_on_to_what_waits(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        first, second = (ours.queue_up(("WIDGET", 1)).id for _ in range(2))
        swept, _ = lossy_shop.losing(
            lambda: ours.sweep(limit=1, lease_seconds=LONG_SECONDS), lambda: rival.settle(first, claimed=[first])
        )
        assert swept == [second]
        assert ours.get(second).attempts == 1

    def test_a_sign_of_life_takes_no_other_from_a_rival(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        lossy_shop.losing(
            lambda: ours.storage.workers.beat(worker("ours")), lambda: rival.storage.workers.beat(worker("theirs"))
        )
        assert seen(ours) == [worker("ours"), worker("theirs")]
        lossy_shop.losing(
            lambda: ours.storage.workers.leave("ours"),
            lambda: rival.storage.workers.beat(worker("theirs", settled=9)),
        )
        assert seen(ours) == [worker("theirs", settled=9)]

    def test_a_lease_that_was_taken_is_held_against_the_rival(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        given = lossy_shop.losing(
            lambda: ours.storage.outbox.lease("ours", seconds=LONG_SECONDS),
            lambda: rival.storage.outbox.lease("theirs", seconds=LONG_SECONDS),
        )
        assert given == (True, False)

    def test_a_lease_that_ran_out_meanwhile_is_the_rivals(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        given = lossy_shop.losing(
            lambda: ours.storage.outbox.lease("ours", seconds=-1),
            lambda: rival.storage.outbox.lease("theirs", seconds=LONG_SECONDS),
        )
        assert given == (False, True)

    def test_a_lease_that_was_given_back_stays_with_the_rival_who_took_it(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.storage.outbox.lease("ours", seconds=LONG_SECONDS)
        _, taken = lossy_shop.losing(
            lambda: ours.storage.outbox.release("ours"),
            lambda: rival.storage.outbox.lease("theirs", seconds=LONG_SECONDS),
        )
        assert taken
        assert not ours.storage.outbox.lease("ours", seconds=LONG_SECONDS)
