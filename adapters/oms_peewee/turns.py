"""Who may write to an SQLite file: one thread of a process at a time, and no process for long without a break."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from oms_peewee.faults import TooLateError
from oms_peewee.patience import BUSY_PAUSE_MAX_SECONDS, Patience

# SQLite wakes nobody who waits for its lock: waiting writers try again and again. One who commits back to back
# would be met by their tries only by luck, so it stays away for longer than the pause between two of them.
_SPELL_MAX_SECONDS = 0.03
_BREAK_SECONDS = 2 * BUSY_PAUSE_MAX_SECONDS


@dataclass(slots=True)
class _Spell:
    """A process's lock, and since when it has been writing without a break."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    began_at: float = 0.0
    ended_at: float = 0.0


class WriterTurns:
    """Gives the threads of a process their turn to write, and other processes theirs."""

    def __init__(self) -> None:
        self._spells: dict[int, _Spell] = {}

    @contextmanager
    def turn(self, patience: Patience) -> Iterator[None]:
        """Wait for the turn. Raises TooLateError when it did not come in time."""
        process_id = os.getpid()  # A forked child must not wait for a thread that only its parent has.
        spell = self._spells.get(process_id) or self._spells.setdefault(process_id, _Spell())
        if not spell.lock.acquire(timeout=patience.left_seconds):
            raise TooLateError("other threads of this process were writing all the time")
        try:
            self._take_break_if_due(spell)
            yield
            spell.ended_at = time.monotonic()
        finally:
            spell.lock.release()

    def _take_break_if_due(self, spell: _Spell) -> None:
        now = time.monotonic()
        if now - spell.ended_at >= _BREAK_SECONDS:
            spell.began_at = now
        elif now - spell.began_at >= _SPELL_MAX_SECONDS:
            time.sleep(_BREAK_SECONDS)
            spell.began_at = time.monotonic()
