"""What every rate limiter must do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from oms_contracts.concurrency import run_together
from oms_core.domain.rate_limits import RateLimit
from oms_core.ports.rate_limiter import RateLimiter

TEN_AN_HOUR = RateLimit(policy="orders.place", count=10, window_seconds=3_600)
TEN_A_SECOND = RateLimit(policy="orders.place", count=10, window_seconds=1)
THREADS = 16
DEADLINE_SECONDS = 10.0
WAIT_STEP_SECONDS = 0.02


class RateLimiterContract:
    """Inherit it, and provide the fixture `limiter`, which has counted nothing yet."""

    @pytest.fixture
    def limiter(self) -> Iterator[RateLimiter]:
        """One that has counted nothing yet; yours closes it afterwards."""
        raise NotImplementedError("the test class of an adapter provides the fixture `limiter`")

    @pytest.fixture
    def rival_limiter(self, limiter: RateLimiter) -> RateLimiter:
        """Another limiter over the same counters, where two can share them."""
        return limiter

    def test_units_are_taken_until_none_is_left(self, limiter: RateLimiter) -> None:
        allowances = [limiter.take(TEN_AN_HOUR, "a", cost=1) for _ in range(12)]
        assert [allowance.allowed for allowance in allowances] == [True] * 10 + [False] * 2
        assert [allowance.remaining for allowance in allowances] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
        assert all(allowance.limit == TEN_AN_HOUR for allowance in allowances)

    def test_an_allowed_charge_need_not_wait_and_a_refused_one_must(self, limiter: RateLimiter) -> None:
        assert limiter.take(TEN_AN_HOUR, "a", cost=10).retry_after_seconds == 0
        refused = limiter.take(TEN_AN_HOUR, "a", cost=1)
        assert 1 <= refused.retry_after_seconds <= refused.reset_seconds <= 2 * TEN_AN_HOUR.window_seconds

    def test_a_charge_is_taken_as_a_whole_or_not_at_all(self, limiter: RateLimiter) -> None:
        limiter.take(TEN_AN_HOUR, "a", cost=7)
        refused = limiter.take(TEN_AN_HOUR, "a", cost=4)
        assert (refused.allowed, refused.remaining) == (False, 3)
        rest = limiter.take(TEN_AN_HOUR, "a", cost=3)
        assert (rest.allowed, rest.remaining) == (True, 0)

    def test_a_charge_of_more_than_the_limit_is_refused_and_takes_nothing(self, limiter: RateLimiter) -> None:
        assert not limiter.take(TEN_AN_HOUR, "a", cost=11).allowed
        assert limiter.take(TEN_AN_HOUR, "a", cost=10).allowed

    def test_units_that_are_given_back_can_be_taken_again(self, limiter: RateLimiter) -> None:
        limiter.take(TEN_AN_HOUR, "a", cost=10)
        given = limiter.give_back(TEN_AN_HOUR, "a", cost=4)
        assert (given.limit, given.allowed, given.remaining, given.retry_after_seconds) == (TEN_AN_HOUR, True, 4, 0)
        assert not limiter.take(TEN_AN_HOUR, "a", cost=5).allowed
        assert limiter.take(TEN_AN_HOUR, "a", cost=4).remaining == 0

    def test_nobody_gets_more_than_the_limit_by_giving_back(self, limiter: RateLimiter) -> None:
        assert limiter.give_back(TEN_AN_HOUR, "a", cost=5).remaining == 10
        limiter.take(TEN_AN_HOUR, "a", cost=2)
        assert limiter.give_back(TEN_AN_HOUR, "a", cost=5).remaining == 10
        assert [limiter.take(TEN_AN_HOUR, "a", cost=5).allowed for _ in range(3)] == [True, True, False]

    def test_what_one_gives_back_another_does_not_get(self, limiter: RateLimiter) -> None:
        limiter.take(TEN_AN_HOUR, "a", cost=10)
        limiter.take(TEN_AN_HOUR, "b", cost=10)
        limiter.give_back(TEN_AN_HOUR, "a", cost=10)
        assert not limiter.take(TEN_AN_HOUR, "b", cost=1).allowed
        assert limiter.take(TEN_AN_HOUR, "a", cost=10).allowed

    def test_taking_and_giving_back_at_once_loses_no_unit(
        self, limiter: RateLimiter, rival_limiter: RateLimiter
    ) -> None:
        limit = RateLimit(policy="orders.place", count=THREADS, window_seconds=86_400)

        def borrow_20(taker: RateLimiter) -> None:
            for _ in range(20):
                assert taker.take(limit, "a", cost=1).allowed
                taker.give_back(limit, "a", cost=1)

        works = [partial(borrow_20, taker) for taker in (limiter, rival_limiter) * (THREADS // 2)]
        run_together(works)
        assert limiter.take(limit, "a", cost=THREADS).allowed
        assert not limiter.take(limit, "a", cost=1).allowed

    def test_keys_and_policies_are_counted_apart(self, limiter: RateLimiter) -> None:
        other = RateLimit(policy="default", count=10, window_seconds=3_600)
        limiter.take(TEN_AN_HOUR, "a", cost=10)
        assert limiter.take(TEN_AN_HOUR, "b", cost=10).allowed
        assert limiter.take(other, "a", cost=10).allowed

    @pytest.mark.parametrize("key", ["address:::1", "name:" + "x" * 255, "name:é \N{SNOWMAN}", "name:{a}/b:*"])
    def test_any_key_is_taken(self, limiter: RateLimiter, key: str) -> None:
        limiter.take(TEN_AN_HOUR, key, cost=9)
        assert limiter.take(TEN_AN_HOUR, key, cost=1).remaining == 0

    @pytest.mark.parametrize("cost", [1, 10])
    def test_who_waits_as_told_is_allowed(self, limiter: RateLimiter, cost: int) -> None:
        while (refused := limiter.take(TEN_A_SECOND, "a", cost=cost)).allowed:
            pass
        begun = time.monotonic()
        _wait_until(lambda: limiter.take(TEN_A_SECOND, "a", cost=cost).allowed)
        assert time.monotonic() - begun <= refused.retry_after_seconds + 1

    def test_threads_never_take_more_than_the_limit(self, limiter: RateLimiter, rival_limiter: RateLimiter) -> None:
        limit = RateLimit(policy="orders.place", count=100, window_seconds=86_400)

        def take_20(taker: RateLimiter) -> int:
            return sum(taker.take(limit, "a", cost=1).allowed for _ in range(20))

        works = [lambda taker=taker: take_20(taker) for taker in (limiter, rival_limiter) * (THREADS // 2)]
        assert sum(run_together(works)) == limit.count

    def test_a_new_limiter_is_not_degraded_and_says_where_it_counts(self, limiter: RateLimiter) -> None:
        assert not limiter.is_degraded()
        assert limiter.describe().strip()
        assert "\n" not in limiter.describe()

    def test_closing_twice_does_no_harm(self, limiter: RateLimiter) -> None:
        limiter.take(TEN_AN_HOUR, "a", cost=1)
        limiter.close()
        limiter.close()


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS:g} s"
        threading.Event().wait(WAIT_STEP_SECONDS)
