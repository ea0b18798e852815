"""The counters in memory: no thread looks after them, and whoever comes from many addresses fills no memory."""

from __future__ import annotations

import threading

import pytest
from oms_limits.counters import Counters
from oms_limits.memory import MemoryRateLimiter

from oms_core.domain.rate_limits import RateLimit

LIMIT = RateLimit(policy="address", count=2, window_seconds=3_600)


def test_charging_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = MemoryRateLimiter()
    limiter.take(LIMIT, "a", cost=1)
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    for number in range(100):
        limiter.take(LIMIT, f"address:{number}", cost=1)
        limiter.give_back(LIMIT, f"address:{number}", cost=1)
    assert not started


def test_what_has_faded_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = Counters()
    counters.incr("old", 10)
    counters.incr("new", 1_000)
    monkeypatch.setattr("time.time", lambda now=counters._swept_at + 20: now)
    counters.sweep()
    assert list(counters.storage) == list(counters.expirations) == ["new"]
    assert "old" not in counters.locks


def test_the_counters_are_bounded_and_the_first_give_way() -> None:
    limiter = MemoryRateLimiter(keys_max=10)
    for number in range(1_000):
        limiter.take(LIMIT, f"address:{number}", cost=2)
    assert not limiter.take(LIMIT, "address:999", cost=1).allowed
    assert limiter.take(LIMIT, "address:0", cost=1).allowed
    assert limiter._counters is not None
    assert len(limiter._counters.expirations) <= 11
    assert len(limiter._counters.storage) <= 11
    assert len(limiter._counters.locks) <= 30
