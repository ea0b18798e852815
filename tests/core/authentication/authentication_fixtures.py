"""Authentication over memory, with clocks that are set and a database that can be away."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from oms_limits import open_memory
from oms_memory import MemoryStorage

from oms_core import ALL_SCOPES, Caller, CreateApiKey, IssuedApiKey, Oms, OmsError, Ports, Scope, Settings
from oms_core.authentication.authenticate import Authenticate
from oms_core.authentication.failed_attempts import FailedAttempts
from oms_core.authentication.key_cache import ApiKeyCache
from oms_core.authentication.last_use import LastUses
from oms_core.authentication.refused_tokens import RefusedTokens
from oms_core.domain.api_keys import StoredApiKey
from oms_core.domain.metrics import AUTHENTICATION_REFUSALS, Metric
from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.rate_limiter import RateLimiterOptions
from tests.core.worker.worker_fixtures import AWAY

ROOT = Caller(name="root", scopes=ALL_SCOPES)
READ = frozenset({Scope.ORDERS_READ})
NOBODYS = f"oms_{'0' * 32}_{'0' * 64}"
HERE, THERE = "192.0.2.1", "192.0.2.2"
DEADLINE_SECONDS = 20.0
LIMIT = RateLimit(policy="auth.failures", count=3, window_seconds=60)


class Counter:
    """A RateLimiter whose window never moves: `count` units a key, and a wait of 30 s after them."""

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}
        self.asked = 0

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        self.asked += 1
        allowed = self.taken.get(key, 0) + cost <= limit.count
        self.taken[key] = self.taken.get(key, 0) + cost * allowed
        left = limit.count - self.taken[key]
        wait = 0 if allowed else 30
        return Allowance(limit=limit, allowed=allowed, remaining=left, reset_seconds=60, retry_after_seconds=wait)

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        self.taken[key] -= cost
        return self.take(limit, key, cost=0)

    def is_degraded(self) -> bool:
        return False

    def describe(self) -> str:
        return "counted by hand"

    def close(self) -> None:
        """Nothing is open."""


class Refusals(NoMetrics):
    """Metrics that remember what was counted."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        assert metric is AUTHENTICATION_REFUSALS
        self.reasons += labels * amount


class Authenticator:
    """Authentication over memory, with clocks that are set, counted reads, and a database that can be away."""

    def __init__(self, *, entries_max: int = 100, limit: RateLimit | None = LIMIT, real_limiter: bool = False) -> None:
        self.storage = MemoryStorage()
        self.oms = Oms(settings=Settings(), ports=Ports(storage=self.storage, clock=self))
        self.seconds = 1_000.0
        self.time = datetime.fromisoformat("2026-11-22T21:00:00Z")
        self.reads = 0
        self.is_away = False
        self.reading: Callable[[], None] = lambda: None
        self.counter = Counter()
        limiter = open_memory("memory://", RateLimiterOptions(metrics=NoMetrics())) if real_limiter else self.counter
        self.metrics = Refusals()
        self.aside: list[Callable[[], None]] = []
        self.authenticate = Authenticate(
            cache=ApiKeyCache(self.read, self.monotonic, entries_max),
            uses=LastUses(self.storage, self.aside.append),
            failed_attempts=FailedAttempts(limit, limiter, self.monotonic, addresses_max=2),
            repeats=FailedAttempts(limit, limiter, self.monotonic, counted_as="repeats"),
            refused=RefusedTokens(self.monotonic, tokens_max=20),
            clock=self,
            metrics=self.metrics,
        )

    def now(self) -> datetime:
        return self.time

    def random_bits(self, count: int) -> int:
        return int.from_bytes(os.urandom(count // 8 + 1), "big") >> (8 - count % 8)

    def monotonic(self) -> float:
        return self.seconds

    def read(self, key_id: UUID) -> StoredApiKey:
        self.reads += 1
        self.reading()
        if self.is_away:
            raise AWAY
        return self.storage.keys.get(key_id)

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.time += timedelta(seconds=seconds)

    def create(self, name: str = "shop", **given: Any) -> IssuedApiKey:
        return self.oms.api_keys.create(CreateApiKey(**{"name": name, "scopes": READ} | given), caller=ROOT)

    def revoke(self, name: str = "shop") -> None:
        """Revoke a name's keys as another process would: this one is not told."""
        self.storage.keys.revoke(name, by="root", now=self.time)

    def fail_until_refused(self, address: str) -> None:
        """Present unknown tokens from an address until it has to wait, if it has not to already."""
        while self.code(fresh_token(), address) != "rate_limited":
            pass

    def caller_of(self, token: str, address: str | None = HERE) -> Caller:
        return self.authenticate(token, address=address, request_id="R1")

    def refusal(self, token: str, address: str | None = HERE) -> OmsError:
        with pytest.raises(OmsError) as caught:
            self.caller_of(token, address)
        return caught.value

    def code(self, token: str, address: str | None = HERE) -> str:
        return self.refusal(token, address).code

    def last_used_at(self, issued: IssuedApiKey) -> datetime | None:
        return self.storage.keys.get(issued.key.id).key.last_used_at


def unknown_token(number: int) -> str:
    """Give one of many tokens that nobody has."""
    return f"oms_{number:032x}_{'0' * 64}"


def fresh_token() -> str:
    """Give a token that nobody has, and that nobody has presented."""
    return unknown_token(int.from_bytes(os.urandom(15), "big"))


def wrong(issued: IssuedApiKey) -> str:
    """Give a key's text with another secret."""
    return issued.token[:-1] + ("0" if issued.token[-1] != "0" else "1")
