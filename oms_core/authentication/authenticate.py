"""Finding out whose API key a caller presents."""

from __future__ import annotations

import logging

from oms_core.authentication.failed_attempts import FailedAttempts
from oms_core.authentication.key_cache import ApiKeyCache
from oms_core.authentication.last_use import LastUses
from oms_core.authentication.refused_tokens import RefusedTokens
from oms_core.domain.api_keys import ApiKey, ApiKeyState, PresentedKey, StoredApiKey, parse_token
from oms_core.domain.callers import Caller
from oms_core.domain.metrics import AUTHENTICATION_REFUSALS
from oms_core.domain.rate_limits import RateLimit
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.metrics import Metrics
from oms_core.ports.rate_limiter import RateLimiter
from oms_core.ports.storage import Storage

_log = logging.getLogger(__name__)


class Authenticate:
    """Turns a token into a Caller. Thread-safe. A key in constant use costs one query in two seconds.

    Failed attempts are counted by address. Once an address has reached the limit, the database is not asked for it any
    more, and only keys that were accepted here within hours are still accepted. An ended key, or a token that was
    refused before, is no new attempt at guessing a key. These are counted apart, so that a client with a stale key does
    not lock out others at its address.
    """

    def __init__(
        self,
        *,
        cache: ApiKeyCache,
        uses: LastUses,
        failed_attempts: FailedAttempts,
        repeats: FailedAttempts,
        refused: RefusedTokens,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._cache = cache
        self._uses = uses
        self._failed_attempts = failed_attempts
        self._repeats = repeats
        self._refused = refused
        self._clock = clock
        self._metrics = metrics

    @classmethod
    def over(
        cls, *, storage: Storage, limiter: RateLimiter, clock: Clock, metrics: Metrics, limit: RateLimit | None
    ) -> Authenticate:
        """Compose it over ports; `limit` is that of failed attempts (None: unlimited)."""
        return cls(
            cache=ApiKeyCache(lambda key_id: storage.keys.get(key_id)),  # noqa: PLW0108  Reading `keys` may connect.
            uses=LastUses(storage),
            failed_attempts=FailedAttempts(limit, limiter),
            repeats=FailedAttempts(limit, limiter, counted_as="repeats"),
            refused=RefusedTokens(),
            clock=clock,
            metrics=metrics,
        )

    def __call__(self, token: str, *, address: str | None, request_id: str | None) -> Caller:
        """Return the caller that a key names; see `Oms.authenticate`."""
        if (caller := self._cache.fresh(token)) is not None:
            return caller.of_request(request_id)
        try:
            return self._caller(token, address=address, request_id=request_id)
        except OmsError as error:
            if error.code == "rate_limited":
                self._metrics.count(AUTHENTICATION_REFUSALS, "limited")
            raise

    def forget(self, name: str) -> None:
        """Read a name's keys again before their next use, since they have just changed."""
        self._cache.forget(name)

    def close(self) -> None:
        """Wait for writes in the background."""
        self._uses.close()

    def _caller(self, token: str, *, address: str | None, request_id: str | None) -> Caller:
        presented = parse_token(token)
        stored = None if presented is None else self._remembered(presented)
        if stored is None:
            if self._refused.has(token):
                raise self._repeated(token, presented, address)
            if presented is None or not self._cache.has_opened(presented):
                self._failed_attempts.check(address)
            stored = None if presented is None else self._looked_up(presented)
        if stored is None:
            raise self._failed(token, presented, address)
        state = stored.key.state(self._clock.now())
        if state is not ApiKeyState.ACTIVE:
            raise self._ended(stored, state, address)
        key = stored.key
        return Caller(name=key.name, scopes=key.scopes, customer_id=key.customer_id, request_id=request_id)

    def _remembered(self, presented: PresentedKey) -> StoredApiKey | None:
        """Return the key from the cache if its secret is right. Read it again if that is due."""
        entry = self._cache.find(presented.id_text)
        if entry is None or not presented.opens(entry.stored):
            return None
        if not self._cache.begin_reading(entry):
            return entry.stored
        stored = self._cache.read_again(entry)
        if stored is None:  # The entry may have become too old meanwhile.
            again = self._cache.find(presented.id_text)
            return None if again is None else again.stored
        self._uses.note(stored.key, self._clock.now())
        return stored

    def _looked_up(self, presented: PresentedKey) -> StoredApiKey | None:
        try:
            stored, read_at = self._cache.read(presented.id)
        except OmsError as error:
            if error.code != "key_not_found":
                raise
            presented.opens(None)
            return None
        if not presented.opens(stored):
            return None
        self._cache.remember(stored, read_at)
        if stored.key.state(self._clock.now()) is ApiKeyState.ACTIVE:
            self._uses.note(stored.key, self._clock.now())
        return stored

    def _failed(self, token: str, presented: PresentedKey | None, address: str | None) -> OmsError:
        self._failed_attempts.count(address)
        self._refused.add(token)
        self._repeats.count(address)  # Else a token could be presented once more than the limit allows.
        return self._refusal(presented, "wrong or unknown", address)

    def _repeated(self, token: str, presented: PresentedKey | None, address: str | None) -> OmsError:
        self._refused.add(token)
        self._repeats.count(address)
        return self._refusal(presented, "wrong or unknown, once more", address)

    def _ended(self, stored: StoredApiKey, state: ApiKeyState, address: str | None) -> OmsError:
        self._repeats.count(address)
        return self._refusal(stored.key, state.value, address, reason="ended_key")

    def _refusal(
        self, named: PresentedKey | ApiKey | None, why: str, address: str | None, *, reason: str = "bad_key"
    ) -> OmsError:
        self._metrics.count(AUTHENTICATION_REFUSALS, reason)
        _log.info("a key was refused: id %s, %s, from %a", None if named is None else named.id, why, address)
        return OmsError("unauthenticated", "the API key opens nothing: it is wrong, expired or revoked")
