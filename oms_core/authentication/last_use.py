"""Noting when a key was last used: once a minute and in the background, so that no request waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from oms_core.domain.api_keys import ApiKey
from oms_core.errors import OmsError
from oms_core.ports.storage import Storage
from oms_core.runtime.background_thread import start_thread
from oms_core.runtime.forks import begin_in_each_process

_log = logging.getLogger(__name__)

NOTED_EVERY = timedelta(minutes=1)
_CLOSING_SECONDS = 2.0


class LastUses:
    """Writes `last_used_at`, one write at a time per process. A use during a write is skipped. Thread-safe."""

    def __init__(
        self,
        storage: Storage,
        run_aside: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._storage = storage
        self._run_aside = run_aside or partial(start_thread, name="oms-key-uses")
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._writing = threading.Lock()

    def note(self, key: ApiKey, now: datetime) -> None:
        """Note a use of a key that was just read, unless a use was noted within the last minute."""
        if key.last_used_at is not None and now - key.last_used_at < NOTED_EVERY:
            return
        if self._writing.acquire(blocking=False):
            try:
                self._run_aside(partial(self._write, key, now))
            except OmsError as error:
                self._writing.release()
                _log.info("the use of a key was not noted: %s", error.detail, exc_info=error.defect)

    def close(self) -> None:
        """Wait for the write in progress, two seconds at most."""
        if self._writing.acquire(timeout=_CLOSING_SECONDS):
            self._writing.release()

    def _write(self, key: ApiKey, now: datetime) -> None:
        try:
            self._storage.keys.used(key.id, now=now, not_since=now - NOTED_EVERY)
        except OmsError as error:
            _log.info("the use of a key was not noted: %s", error.detail, exc_info=error.defect)
        except Exception:  # noqa: BLE001  The request that used the key is answered all the same.
            _log.exception("the use of a key was not noted")
        finally:
            self._writing.release()
