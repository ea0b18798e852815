"""The tokens that were refused within hours: a client that repeats a stale token is not guessing."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable

from oms_core.runtime.forks import begin_in_each_process

REFUSED_SECONDS = 12 * 3_600.0
TOKENS_MAX = 10_000


class RefusedTokens:
    """Remembers digests of wrong tokens. When it is full, the one presented longest ago is dropped. Thread-safe.

    A wrong token stays wrong, as ids and secrets are drawn at random when a key is made. A forked child begins with
    none.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, tokens_max: int = TOKENS_MAX) -> None:
        self._clock = clock
        self._tokens_max = tokens_max
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._presented_at: dict[bytes, float] = {}

    def has(self, token: str) -> bool:
        """Return whether a token was refused within hours."""
        presented_at = self._presented_at.get(_digest(token))
        return presented_at is not None and self._clock() - presented_at < REFUSED_SECONDS

    def add(self, token: str) -> None:
        """Remember a token that was just refused."""
        digest = _digest(token)
        with self._lock:
            self._presented_at.pop(digest, None)
            if len(self._presented_at) >= self._tokens_max:
                del self._presented_at[next(iter(self._presented_at))]
            self._presented_at[digest] = self._clock()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
