"""A replica in memory, which a test stops and breaks, for the parts of the program that read on one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from oms_memory import MemoryStorage
from oms_memory.tables import Tables

from oms_core.domain.metrics import REPLICA_READS, Metric
from oms_core.errors import OmsError
from oms_core.ports.metrics import NoMetrics

AWAY = OmsError("storage_unavailable", "the replica is away")


class MemoryReplica:
    """It shows what its primary has, until `stop`: then it shows what there was, and reaches no later mark.

    `place_fault` is raised where it is asked how far it is, `read_fault` where it is read.
    """

    def __init__(self, primary: MemoryStorage) -> None:
        self.primary = primary
        self.shown = primary
        self.marks_made = 0
        self.marks_reached_max: int | None = None
        self.place_fault: OmsError | None = None
        self.read_fault: OmsError | None = None
        self.is_closed = False

    @property
    def orders(self) -> Any:
        return self._read().orders

    @property
    def stock(self) -> Any:
        return self._read().stock

    @property
    def audits(self) -> Any:
        return self._read().audits

    def mark(self) -> str:
        self.marks_made += 1
        return str(self.marks_made)

    def count_reached(self, marks: Sequence[str]) -> int:
        if self.place_fault is not None:
            raise self.place_fault
        return sum(self.marks_reached_max is None or float(mark) <= self.marks_reached_max for mark in marks)

    def stop(self) -> None:
        """Follow no further."""
        self.marks_reached_max = self.marks_made
        self.shown = MemoryStorage(_copy(self.primary.tables))

    def go_on(self) -> None:
        """Show what the primary has again."""
        self.marks_reached_max = None
        self.shown = self.primary

    def describe(self) -> str:
        return "a replica in memory"

    def close(self) -> None:
        self.is_closed = True

    def _read(self) -> MemoryStorage:
        if self.read_fault is not None:
            raise self.read_fault
        return self.shown


class ReplicaMetrics(NoMetrics):
    """Metrics that tell where lists were read: `reads`, by outcome."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.observed: list[tuple[str, float]] = []

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        if metric is REPLICA_READS:
            self.reads[labels[0]] += amount

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        self.observed.append((metric.name, value))


def _copy(tables: Tables) -> Tables:
    copies: dict[str, Any] = {"lock": threading.RLock()}
    for entry in fields(tables):
        match getattr(tables, entry.name):
            case dict() as kept:
                copies[entry.name] = {key: list(it) if isinstance(it, list) else it for key, it in kept.items()}
            case list() as kept:
                copies[entry.name] = list(kept)
    return replace(tables, **copies)
