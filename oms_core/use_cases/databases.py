"""The primary, and the replica that lists, exports and audits are read on while it is new enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from oms_core.domain.metrics import REPLICA_READS
from oms_core.errors import OmsError
from oms_core.ports.metrics import Metrics, NoMetrics
from oms_core.ports.replica import ReadStorage, Replica
from oms_core.ports.storage import Storage
from oms_core.runtime.replica_watch import ReplicaWatch, Standing

Result = TypeVar("Result")

# What a replica may answer although the primary has what is asked for.
_NOT_THERE_YET = frozenset({"sku_not_found", "order_not_found"})
_FAILURES = frozenset({"storage_unavailable", "storage_unusable", "schema_outdated", "internal_error"})


@dataclass(frozen=True, slots=True)
class Read(Generic[Result]):
    """What was read, and how old it may be: seconds, or None where it was read from the primary."""

    result: Result
    replica_lag_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedReplica:
    """A replica, and what tells how old it is."""

    replica: Replica
    watch: ReplicaWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """The primary, for all that is written, decided or as of now; and `read`, for what may be a little old."""

    primary: Storage
    watched: WatchedReplica | None = None
    metrics: Metrics = field(default_factory=NoMetrics)

    def read(self, work: Callable[[ReadStorage], Result]) -> Read[Result]:
        """Do work that only reads, on the replica or on the primary; once more on the primary where the replica fails.

        What the replica does not have yet, the primary is asked for. Raise what the work raises on the primary.
        """
        if self.watched is None:
            return Read(work(self.primary), None)
        lag_seconds = self.watched.watch.lag_seconds()
        if lag_seconds is None:
            return self._primary_read(work, self.watched.watch.standing)
        try:
            read = Read(work(self.watched.replica), lag_seconds)
        except OmsError as error:
            if error.code in _NOT_THERE_YET:
                return self._primary_read(work, "not_found")
            if error.code not in _FAILURES:
                raise
            self.watched.watch.failed(error)
            return self._primary_read(work, "failed")
        self.metrics.count(REPLICA_READS, "replica")
        return read

    def is_degraded(self) -> bool:
        """Return whether there is a replica that the last look found late or away; the next look begins aside."""
        if self.watched is None:
            return False
        self.watched.watch.begin_look()
        return self.watched.watch.standing is not Standing.IN_TIME

    def _primary_read(self, work: Callable[[ReadStorage], Result], why: str) -> Read[Result]:
        self.metrics.count(REPLICA_READS, Standing.LATE if why == Standing.IN_TIME else why)
        return Read(work(self.primary), None)


def oldest(*lags: float | None) -> float | None:
    """Return the greatest of some ages; None where everything was read from the primary."""
    return max((lag for lag in lags if lag is not None), default=None)
