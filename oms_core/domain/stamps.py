"""On whose behalf something is written, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from oms_core.domain.callers import Caller


@dataclass(frozen=True, slots=True)
class Stamp:
    """What ledger rows and events say of their origin; fixed before a transaction, so that it can be repeated."""

    actor: str
    request_id: str | None
    at: datetime

    @classmethod
    def of(cls, caller: Caller, at: datetime) -> Stamp:
        """Return the stamp of what a caller writes."""
        return cls(caller.name, caller.request_id, at)
