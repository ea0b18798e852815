"""A cache of API keys for a few seconds, so that a key in constant use costs hardly any query."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from uuid import UUID

from oms_core.domain.api_keys import TOKEN_ID, PresentedKey, StoredApiKey, is_token_of
from oms_core.domain.callers import Caller
from oms_core.errors import OmsError
from oms_core.runtime.call_batches import run_waiting
from oms_core.runtime.forks import begin_in_each_process

_log = logging.getLogger(__name__)

FRESH_SECONDS = 2.0
# A revocation is honoured within this, in every process.
STALE_SECONDS = 5.0
# For so long a key that was accepted here is still looked up when others at its address have reached their limit.
OPENED_SECONDS = 12 * 3_600.0
ENTRIES_MAX = 10_000


class Entry:
    """A key as it was at `read_at`. `is_endless`: it was neither revoked nor has it an expiry."""

    __slots__ = ("caller", "is_endless", "is_reading", "read_at", "stored")

    def __init__(self, stored: StoredApiKey, read_at: float) -> None:
        self.stored = stored
        self.read_at = read_at
        self.is_reading = False
        key = stored.key
        self.is_endless = key.expires_at is None and key.revoked_at is None
        self.caller = Caller(name=key.name, scopes=key.scopes, customer_id=key.customer_id)


class ApiKeyCache:
    """Caches keys that were accepted. When it is full, the entry read longest ago is dropped. Thread-safe.

    A key is fresh for two seconds. Then one thread reads it again, while others use the cached key for up to five
    seconds in all. This also bridges a database that is unavailable for so long. For hours the key stays known as
    accepted here before. `read` raises `key_not_found`. A forked child begins with an empty cache.
    """

    def __init__(
        self,
        read: Callable[[UUID], StoredApiKey],
        clock: Callable[[], float] = time.monotonic,
        entries_max: int = ENTRIES_MAX,
    ) -> None:
        self._read = read
        self._clock = clock
        self._entries_max = entries_max
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}

    def fresh(self, token: str) -> Caller | None:
        """Return the caller of a token whose key is fresh and has no expiry, else None. Most requests need no more."""
        entry = self._entries.get(token[TOKEN_ID])
        if entry is None or not entry.is_endless or self._clock() - entry.read_at >= FRESH_SECONDS:
            return None
        return entry.caller if is_token_of(entry.stored, token) else None

    def find(self, id_text: str) -> Entry | None:
        """Return the entry of a key that is not too old, by the key's id in hexadecimal."""
        entry = self._entries.get(id_text)
        if entry is None or self._clock() - entry.read_at >= STALE_SECONDS:
            return None
        return entry

    def has_opened(self, presented: PresentedKey) -> bool:
        """Return whether this key, with this secret, was accepted here within hours. It may have ended since."""
        entry = self._entries.get(presented.id_text)
        return entry is not None and self._clock() - entry.read_at < OPENED_SECONDS and presented.opens(entry.stored)

    def begin_reading(self, entry: Entry) -> bool:
        """Return whether the key has to be read again, and by this thread."""
        if self._clock() - entry.read_at < FRESH_SECONDS:
            return False
        with self._lock:
            is_first = not entry.is_reading
            entry.is_reading = True
        return is_first

    def read_again(self, entry: Entry) -> StoredApiKey | None:
        """Read a key again, after `begin_reading` returned True; None when the database is unavailable.

        The cached key then stays valid until it is too old, and the next thread that asks reads again.
        """
        try:
            stored, read_at = self.read(entry.stored.key.id)
        except OmsError as error:
            if error.defect is not None:  # Nobody is answered with it; an outage is logged elsewhere.
                _log.error("a key was not read again: %s", error.detail, exc_info=error.defect)
            return None
        finally:
            entry.is_reading = False
        self.remember(stored, read_at)
        return stored

    def read(self, key_id: UUID) -> tuple[StoredApiKey, float]:
        """Return a key, and the time when the reading began, for `remember`. Raise `key_not_found`,
        `storage_unavailable`.
        """
        read_at = self._clock()
        return run_waiting(lambda: self._read(key_id)), read_at

    def remember(self, stored: StoredApiKey, read_at: float) -> None:
        """Cache a key that was accepted, unless a later reading is cached already."""
        id_text = stored.key.id.hex
        with self._lock:
            known = self._entries.get(id_text)
            if known is not None and known.read_at > read_at:
                return
            self._entries.pop(id_text, None)
            if len(self._entries) >= self._entries_max:
                del self._entries[next(iter(self._entries))]
            self._entries[id_text] = Entry(stored, read_at)

    def forget(self, name: str) -> None:
        """Have a name's keys read again, since they have just changed. They stay known as accepted here before."""
        with self._lock:
            for id_text, entry in self._entries.items():
                if entry.stored.key.name == name:
                    read_at = min(entry.read_at, self._clock() - STALE_SECONDS)
                    self._entries[id_text] = Entry(entry.stored, read_at)
