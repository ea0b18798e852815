"""Queueing: what is accepted, when a try is made again, in what batches, and where an order stands."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import OmsError, Order, OrderLine, OrderStatus, PlaceOrder
from oms_core.domain.events import EventType
from oms_core.domain.fingerprints import order_fingerprint
from oms_core.domain.orders.order import OrderFailure
from oms_core.domain.orders.order_changes import QueueEntry
from oms_core.domain.orders.placement import (
    Enqueue,
    EnteredAs,
    KeyedOrder,
    Placement,
    Refuse,
    Repeat,
    Replay,
    Reserve,
    Verdict,
)
from oms_core.domain.orders.queueing import (
    POSITIONS_EXACT_MAX,
    AcceptanceView,
    Claim,
    QueuedOrder,
    QueueSample,
    backoff_seconds,
    by_caution,
    claimed_together,
    decide_acceptance,
    decide_failed_attempt,
    decide_retry,
    is_claimed_alone,
    is_worn_out,
    queued_event,
)
from oms_core.domain.orders.settled_orders import settled_event

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
ERROR = OmsError("internal_error", "it cannot be written")
FAILURE = OrderFailure(code="internal_error", detail="it cannot be written")
NOT_QUEUED = [status for status in OrderStatus if status is not OrderStatus.QUEUED]
RETRIABLE = [OrderStatus.REJECTED, OrderStatus.FAILED, OrderStatus.EXPIRED]
jitters = st.floats(0, 1)


def order(status: OrderStatus = OrderStatus.QUEUED, *, version: int = 4) -> Order:
    return Order(
        id=UUID(int=1),
        status=status,
        customer_id="C1",
        reference=None,
        currency="EUR",
        lines=(),
        total=None,
        metadata={},
        failure=FAILURE,
        attempts=2,
        version=version,
        created_at=NOW,
        updated_at=NOW,
        queue_no=7,
    )


def placement(number: int, sku: str = "WIDGET", key: str | None = None) -> Placement:
    command = PlaceOrder(customer_id="C1", lines=[OrderLine(sku=sku, quantity=1)], idempotency_key=key)
    return Placement(
        id=UUID(int=number),
        command=command,
        currency="EUR",
        total=None,
        caller_name="caller",
        fingerprint=None if key is None else order_fingerprint(command, "EUR"),
        request_id=None,
        created_at=NOW,
    )


def view(**keyed: KeyedOrder) -> AcceptanceView:
    return AcceptanceView(
        known_skus={"WIDGET", "OTHER"}, keyed_orders={("caller", key): known for key, known in keyed.items()}
    )


def codes(verdicts: list[Verdict]) -> list[str]:
    return [verdict.error.code if isinstance(verdict, Refuse) else type(verdict).__name__ for verdict in verdicts]


def sample(*numbers: int, last_number: int | None = None) -> QueueSample:
    last = last_number if last_number is not None else (numbers[-1] if numbers else None)
    return QueueSample(numbers=numbers, last_number=last, oldest_since=None, failed=0, rejected=0)


def test_what_is_known_is_accepted_without_taking_anything() -> None:
    assert decide_acceptance([placement(1), placement(2, "OTHER")], view()) == [Enqueue(), Enqueue()]


def test_an_unknown_sku_is_refused_and_costs_the_others_nothing() -> None:
    verdicts = decide_acceptance([placement(1), placement(2, "UNKNOWN"), placement(3)], view())
    assert codes(verdicts) == ["Enqueue", "unknown_sku", "Enqueue"]
    assert isinstance(verdicts[1], Refuse)
    assert [found.pointer for found in verdicts[1].error.errors] == ["/lines/0/sku"]


def test_a_key_used_before_is_replayed_or_refused() -> None:
    first = placement(1, key="K")
    assert first.fingerprint is not None
    known = view(K=KeyedOrder(order_id=UUID(int=9), fingerprint=first.fingerprint, entered_as=EnteredAs.PLACED))
    verdicts = decide_acceptance([first, placement(2, "OTHER", key="K"), placement(3, "UNKNOWN", key="K")], known)
    assert verdicts[0] == Replay(UUID(int=9), EnteredAs.PLACED)
    assert codes(verdicts)[1:] == ["idempotency_key_reused"] * 2


def test_a_key_used_earlier_in_the_batch_is_a_repeat_or_refused() -> None:
    batch = [placement(1), placement(2, key="K"), placement(3, key="K"), placement(4, "OTHER", key="K")]
    verdicts = decide_acceptance(batch, view())
    assert verdicts[2] == Repeat(1)
    assert codes(verdicts) == ["Enqueue", "Enqueue", "Repeat", "idempotency_key_reused"]


def test_a_key_whose_first_use_is_refused_is_free_for_the_second() -> None:
    verdicts = decide_acceptance([placement(1, "UNKNOWN", key="K"), placement(2, key="K")], view())
    assert codes(verdicts) == ["unknown_sku", "Enqueue"]


@pytest.mark.parametrize("status", RETRIABLE)
def test_a_retry_begins_anew_and_at_once(status: OrderStatus) -> None:
    change = decide_retry(order(status), "stock came")
    assert change is not None
    assert (change.status, change.movements) == (OrderStatus.QUEUED, ())
    assert change.entry == QueueEntry(attempts=0, failure=None, due_in_seconds=None)
    (event,) = change.events
    assert (event.type, event.order_version) == (EventType.ORDER_RETRIED, 5)
    assert event.data == {"from": status.value, "to": "queued", "reason": "stock came"}


def test_retrying_what_waits_changes_nothing() -> None:
    assert decide_retry(order(), None) is None


@pytest.mark.parametrize("status", [status for status in NOT_QUEUED if status not in RETRIABLE])
def test_what_was_placed_or_cancelled_is_not_retried(status: OrderStatus) -> None:
    with pytest.raises(OmsError) as caught:
        decide_retry(order(status), None)
    assert caught.value.code == "invalid_transition"
    assert caught.value.data == {"current": status.value, "allowed": []}


@pytest.mark.parametrize(
    ("attempts", "together"), [([], 1), ([0, 1, 0], 3), ([0, 1, 2, 0], 2), ([2, 0], 1), ([2, 2], 1), ([9], 1)]
)
def test_who_was_in_hand_at_two_crashes_is_claimed_alone(attempts: list[int], together: int) -> None:
    assert claimed_together(attempts) == together


@pytest.mark.parametrize(("attempts", "is_alone"), [([3], True), ([2], False), ([1, 2], False), ([], False)])
def test_a_claim_of_one_who_was_tried_twice_may_have_left_others(attempts: list[int], is_alone: bool) -> None:
    claims = [Claim(order_id=UUID(int=number), attempts=each) for number, each in enumerate(attempts)]
    assert is_claimed_alone(claims) == is_alone


@pytest.mark.parametrize(
    ("attempts", "attempts_max", "worn_out"), [(5, 5, False), (6, 5, True), (3, 1, False), (4, 1, True)]
)
def test_who_ended_the_worker_each_time_is_given_up_after_a_try_alone(
    attempts: int, attempts_max: int, worn_out: bool
) -> None:
    assert is_worn_out(attempts, attempts_max) == worn_out


def test_a_failed_try_is_made_again_later() -> None:
    change = decide_failed_attempt(order(), ERROR, attempts=2, attempts_max=3, jitter=0.25)
    assert change is not None
    assert (change.status, change.events, change.movements) == (OrderStatus.QUEUED, (), ())
    assert change.entry == QueueEntry(attempts=2, failure=FAILURE, due_in_seconds=0.5)


@pytest.mark.parametrize("attempts", [3, 4])
def test_after_the_last_try_the_order_has_failed(attempts: int) -> None:
    change = decide_failed_attempt(order(), ERROR, attempts=attempts, attempts_max=3, jitter=0.25)
    assert change is not None
    assert (change.status, change.movements) == (OrderStatus.FAILED, ())
    assert change.entry == QueueEntry(attempts=attempts, failure=FAILURE, due_in_seconds=None)
    (event,) = change.events
    assert (event.type, event.order_version) == (EventType.ORDER_FAILED, 5)
    failure = {"code": "internal_error", "detail": "it cannot be written"}
    assert event.data == {"from": "queued", "to": "failed", "reason": None, "failure": failure}


@pytest.mark.parametrize("status", NOT_QUEUED)
def test_a_failed_try_of_what_does_not_wait_changes_nothing(status: OrderStatus) -> None:
    assert decide_failed_attempt(order(status), ERROR, attempts=3, attempts_max=3, jitter=1.0) is None


@given(attempts=st.integers(1, 100), jitter=jitters)
def test_the_wait_stays_between_nothing_and_five_minutes(attempts: int, jitter: float) -> None:
    assert 0 <= backoff_seconds(attempts, jitter) <= min(300.0, 2.0 ** (attempts - 1))


def test_the_longest_wait_doubles_with_each_try_up_to_five_minutes() -> None:
    assert [backoff_seconds(attempts, 1.0) for attempts in (1, 2, 3, 9, 10, 11)] == [1, 2, 4, 256, 300, 300]
    assert backoff_seconds(5, 0.0) == 0
    assert backoff_seconds(2_000, 1.0) == 300


def test_orders_are_tried_in_smaller_batches_the_more_often_they_were_tried() -> None:
    tries = [1] * 501 + [2] * 51 + [3, 4, 3]
    claims = [Claim(order_id=UUID(int=number), attempts=count) for number, count in enumerate(tries)]
    batches = by_caution(claims, 500)
    assert [len(batch) for batch in batches] == [500, 1, 50, 1, 1, 1, 1]
    assert [batch[0].int for batch in batches[4:]] == [552, 554, 553]
    assert [len(batch) for batch in by_caution(claims[499:503], 1)] == [1] * 4


@given(tries=st.lists(st.integers(1, 5), max_size=1_200), batch_max=st.sampled_from([1, 49, 500]))
def test_every_claimed_order_is_in_one_batch_and_keeps_its_place(tries: list[int], batch_max: int) -> None:
    claims = [Claim(order_id=UUID(int=number), attempts=count) for number, count in enumerate(tries)]
    batches = by_caution(claims, batch_max)
    assert sorted(each for batch in batches for each in batch) == [claim.order_id for claim in claims]
    assert all(batch == sorted(batch) for batch in batches)
    assert all(0 < len(batch) <= batch_max for batch in batches)


def test_what_is_queued_and_settled_is_told() -> None:
    queued = queued_event(placement(1))
    assert (queued.type, queued.order_id, queued.order_version) == (EventType.ORDER_QUEUED, UUID(int=1), 1)
    waiting = QueuedOrder(id=UUID(int=1), version=3, lines=())
    assert (waiting.key, waiting.fingerprint) == (None, None)
    placed, rejected = settled_event(waiting, Reserve(())), settled_event(waiting, Refuse(ERROR))
    assert (placed.type, placed.order_version) == (EventType.ORDER_PLACED, 4)
    assert placed.data == {"from": "queued", "to": "pending", "reason": None}
    assert (rejected.type, rejected.order_version) == (EventType.ORDER_REJECTED, 4)
    assert rejected.data["failure"] == {"code": "internal_error", "detail": "it cannot be written"}


def test_the_position_counts_those_who_wait_before() -> None:
    waiting = sample(3, 7, 8, 20)
    assert [waiting.position(number) for number in (3, 7, 8, 20)] == [1, 2, 3, 4]
    assert (waiting.depth, waiting.position(21), waiting.position(5)) == (4, 5, 2)
    assert (sample().depth, sample().position(9)) == (0, 1)


def test_beyond_ten_thousand_depth_and_position_are_bounds_that_are_not_exceeded() -> None:
    numbers = range(1, 2 * POSITIONS_EXACT_MAX, 2)
    waiting = sample(*numbers, last_number=50_001)
    assert [waiting.position(number) for number in (1, 19_999)] == [1, POSITIONS_EXACT_MAX]
    assert waiting.position(20_001) == POSITIONS_EXACT_MAX + 2
    assert waiting.position(50_001) == waiting.depth == POSITIONS_EXACT_MAX + 30_002


def test_exactly_ten_thousand_are_counted_exactly() -> None:
    waiting = sample(*range(1, POSITIONS_EXACT_MAX + 1))
    assert waiting.depth == waiting.position(POSITIONS_EXACT_MAX) == POSITIONS_EXACT_MAX


@given(st.sets(st.integers(1, 60), min_size=1), st.integers(1, 60))
def test_with_nothing_cut_off_every_position_is_exact(waiting: set[int], number: int) -> None:
    assert sample(*sorted(waiting)).position(number) == 1 + sum(other < number for other in waiting)
