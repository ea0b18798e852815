"""Finding out who presents an API key."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from oms_core.domain.callers import Caller
from oms_core.domain.keys import KeyState, PresentedKey, StoredKey, parse_token
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.metrics import AUTHENTICATION_REFUSALS, Metrics
from oms_core.runtime.guesses import Guesses
from oms_core.runtime.key_cache import KeyCache
from oms_core.runtime.key_uses import KeyUses

_REASONS: Mapping[str, str] = MappingProxyType({"unauthenticated": "bad_key", "rate_limited": "limited"})

_log = logging.getLogger(__name__)


class Authenticate:
    """Turns what a caller presents into a Caller. Thread-safe; a key in use costs no query, but for one in two seconds.

    What opens nothing is counted by address. Past the limit, the database is not asked for an address any more: only
    keys that are remembered still open.
    """

    def __init__(self, *, cache: KeyCache, uses: KeyUses, guesses: Guesses, clock: Clock, metrics: Metrics) -> None:
        self._cache = cache
        self._uses = uses
        self._guesses = guesses
        self._clock = clock
        self._metrics = metrics

    def __call__(self, token: str, *, address: str | None, request_id: str | None) -> Caller:
        """Give the caller that a key names; see `Oms.authenticate`."""
        if (caller := self._cache.fresh(token)) is not None:
            return caller.of_request(request_id)
        try:
            return self._caller(token, address=address, request_id=request_id)
        except OmsError as error:
            if error.code in _REASONS:
                self._metrics.count(AUTHENTICATION_REFUSALS, _REASONS[error.code])
            raise

    def forget(self, name: str) -> None:
        """Look a name's keys up again: they have just changed."""
        self._cache.forget(name)

    def close(self) -> None:
        """Wait for what is written aside."""
        self._uses.close()

    def _caller(self, token: str, *, address: str | None, request_id: str | None) -> Caller:
        presented = parse_token(token)
        stored = None if presented is None else self._remembered(presented)
        if stored is None:
            self._guesses.check(address)
            stored = None if presented is None else self._looked_up(presented)
        state = None if stored is None else stored.key.state(self._clock.now())
        if stored is None or state is not KeyState.ACTIVE:
            raise self._refused(presented, state, address)
        key = stored.key
        return Caller(name=key.name, scopes=key.scopes, customer_id=key.customer_id, request_id=request_id)

    def _remembered(self, presented: PresentedKey) -> StoredKey | None:
        """Give the key from memory if its secret is right, reading it again when that is due."""
        entry = self._cache.find(presented.id_text)
        if entry is None or not presented.opens(entry.stored):
            return None
        if not self._cache.begin_reading(entry):
            return entry.stored
        stored = self._cache.read_again(entry)
        if stored is None:  # Too old, perhaps, after waiting for the database.
            again = self._cache.find(presented.id_text)
            return None if again is None else again.stored
        self._uses.note(stored.key, self._clock.now())
        return stored

    def _looked_up(self, presented: PresentedKey) -> StoredKey | None:
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
        if stored.key.state(self._clock.now()) is KeyState.ACTIVE:
            self._uses.note(stored.key, self._clock.now())
        return stored

    def _refused(self, presented: PresentedKey | None, state: KeyState | None, address: str | None) -> OmsError:
        self._guesses.count(address)
        key_id = None if presented is None else presented.id
        _log.info("a key was refused: id %s, %s, from %a", key_id, state or "wrong or unknown", address)
        return OmsError("unauthenticated", "the API key opens nothing: it is wrong, expired or revoked")
