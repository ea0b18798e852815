"""The stamp of what is written: on whose behalf, for which request, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from oms_core.domain.callers import Caller


@dataclass(frozen=True, slots=True)
class Stamp:
    """What ledger rows and events say of their origin. It is fixed before a transaction, so that it can be repeated."""

    actor: str
    request_id: str | None
    at: datetime

    @classmethod
    def of(cls, caller: Caller, at: datetime) -> Stamp:
        """Return the stamp of what a caller writes at a time."""
        return cls(caller.name, caller.request_id, at)
