"""An order after a change, after a verdict, and how many of those that wait one transaction takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from oms_core import OrderStatus
from oms_core.domain.limits import TRANSACTION_LINES_MAX
from oms_core.domain.orders.order_changes import OrderChange, joins_queue, order_after
from oms_core.domain.orders.placement import Refuse, Reserve
from oms_core.domain.orders.queueing import decide_failed_attempt, decide_retry, fitting
from oms_core.domain.orders.settled_orders import settled_order
from tests.core.orders.test_queueing import ERROR, FAILURE, NOW, order

LATER = NOW + timedelta(hours=1)


def test_a_move_changes_the_status_the_version_and_the_time_alone() -> None:
    pending = replace(order(OrderStatus.PENDING), queue_no=None)
    change = OrderChange(status=OrderStatus.SHIPPED, movements=())
    assert not joins_queue(pending, change)
    shipped = replace(pending, status=OrderStatus.SHIPPED, version=pending.version + 1, updated_at=LATER)
    assert order_after(pending, change, LATER) == shipped


def test_a_retried_order_joins_the_queue_with_a_new_number_and_no_failure() -> None:
    failed = replace(order(OrderStatus.FAILED), failure=FAILURE, attempts=3, queue_no=None)
    change = decide_retry(failed, None)
    assert change is not None
    assert joins_queue(failed, change)
    queued = order_after(failed, change, LATER, queue_no=12)
    assert (queued.status, queued.attempts, queued.failure, queued.queue_no) == (OrderStatus.QUEUED, 0, None, 12)


def test_an_order_that_is_put_off_keeps_its_number_and_its_failure() -> None:
    waiting = replace(order(), queue_no=7)
    change = decide_failed_attempt(waiting, ERROR, attempts=1, attempts_max=3, jitter=0.5)
    assert change is not None
    assert not joins_queue(waiting, change)
    put_off = order_after(waiting, change, LATER)
    assert (put_off.attempts, put_off.failure, put_off.queue_no) == (1, FAILURE, 7)


@pytest.mark.parametrize(("attempts", "was_claimed", "left"), [(2, True, 1), (2, False, 2), (0, True, 0)])
def test_a_placed_order_has_no_failure_and_the_try_of_its_claim_is_taken_back(
    attempts: int, was_claimed: bool, left: int
) -> None:
    waiting = replace(order(), failure=FAILURE, attempts=attempts)
    placed = settled_order(waiting, Reserve(()), LATER, was_claimed=was_claimed)
    expected = {"status": OrderStatus.PENDING, "failure": None, "attempts": left, "queue_no": None, "updated_at": LATER}
    assert placed == replace(waiting, version=waiting.version + 1, **expected)  # type: ignore[arg-type]


def test_an_order_that_leaves_the_queue_has_no_number_in_it() -> None:
    waiting = replace(order(), queue_no=7)
    change = OrderChange(status=OrderStatus.CANCELLED, movements=())
    assert order_after(waiting, change, LATER).queue_no is None


def test_a_refused_order_is_rejected_with_its_failure() -> None:
    rejected = settled_order(order(), Refuse(ERROR), LATER, was_claimed=False)
    assert (rejected.status, rejected.failure) == (OrderStatus.REJECTED, FAILURE)


@pytest.mark.parametrize(
    ("lines", "orders"),
    [
        ([], 0),
        ([1, 1], 2),
        ([TRANSACTION_LINES_MAX + 1, 1], 1),
        ([TRANSACTION_LINES_MAX - 1, 1, 1], 2),
        ([1, TRANSACTION_LINES_MAX, 1], 1),
    ],
)
def test_a_transaction_takes_orders_until_the_first_that_does_not_fit_and_one_at_least(
    lines: list[int], orders: int
) -> None:
    assert fitting(lines) == orders
