"""Storages that are broken on purpose: the positive control of the race tests, which must fail on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from uuid import UUID

from oms_memory import MemoryStorage
from oms_memory.orders import MemoryOrders
from oms_memory.tables import Tables

from oms_core.domain.api_keys import StoredApiKey
from oms_core.domain.orders.placement import Placement, PlacementOutcome
from oms_core.domain.stock.ledger import MovementEntry
from oms_core.domain.stock.locations import Location
from oms_core.domain.stock.products import Product, StockLevel
from oms_core.errors import OmsError
from oms_core.ports.order_storage import DecidePlacement

MEETING_SECONDS = 120.0
LOCK_SECONDS = 0.2

MeetingAt = Callable[[str, Collection[Product]], "Meeting | None"]


class UncheckedTables(Tables):
    """oms_memory's tables without the bounds, as a database without its CHECKs."""

    def within_bounds(self, level: object) -> bool:
        return True


class InterleavedTables(UncheckedTables):
    """Tables whose lock is let go of where a meeting is held, and nowhere else: so one race happens, and not by luck.

    `decided` lies between the decision and the first write, `levels read` between reading the levels and writing them,
    `found free` before an order that is due, or a lease, a name or a location that nobody has, is taken. `meeting_at`
    is asked there, with the products as they are about to be.
    """

    def __init__(self, meeting_at: MeetingAt) -> None:
        self._mutex = threading.RLock()
        super().__init__(lock=self._mutex)
        self._meeting_at = meeting_at

    def check(self, entries: Sequence[MovementEntry]) -> None:
        self._let_go("decided", self._moved(entries).values())

    def move_silently(self, entries: Sequence[MovementEntry]) -> None:
        moved = self._moved(entries)
        self._let_go("levels read", moved.values())
        for row, stamp in entries:
            self.write_movement(row, stamp)
        self.products.update(moved)

    def put_level(self, sku: str, level: StockLevel, now: datetime) -> None:
        self._let_go("levels read", [self.products[sku]])
        super().put_level(sku, level, now)

    def hold(self, order_id: UUID, seconds: float | None) -> None:
        self._let_go("found free", ())
        super().hold(order_id, seconds)

    def lend(self, name: str, holder: str, seconds: float) -> None:
        self._let_go("found free", ())
        super().lend(name, holder, seconds)

    def add_key(self, stored: StoredApiKey) -> None:
        self._let_go("found free", ())
        super().add_key(stored)

    def add_location(self, location: Location) -> None:
        self._let_go("found free", ())
        super().add_location(location)

    def _let_go(self, point: str, moved: Collection[Product]) -> None:
        meeting = self._meeting_at(point, moved)
        if meeting is None:
            return
        self._mutex.release()
        try:
            meeting.join()
        finally:
            self._mutex.acquire()


def unlocked_storage() -> MemoryStorage:
    """Open oms_memory with its lock taken out."""
    return MemoryStorage(UncheckedTables(lock=nullcontext()))


def interleaved_storage(meeting_at: MeetingAt) -> MemoryStorage:
    """Open oms_memory with a lock that is let go of where a meeting is held."""
    return MemoryStorage(InterleavedTables(meeting_at))


class Meeting:
    """Holds the first who comes until a second has come; nobody after them."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)
        self._lock = threading.Lock()
        self._awaited = 2

    def join(self) -> None:
        """Wait for the other, if there is still one to come."""
        with self._lock:
            if self._awaited == 0:
                return
            self._awaited -= 1
        self._barrier.wait(MEETING_SECONDS)


class UnsortedLocks(MemoryOrders):
    """oms_memory with a lock per product besides, taken in the order of the lines: two orders can block each other."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self._locks: dict[str, threading.Lock] = {}
        self._meeting = Meeting()

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        skus = [line.sku for placement in placements for line in placement.command.lines]
        with self._locked(skus[0]):
            self._meeting.join()
            with self._locked(skus[-1]):
                return super().place(placements, decide)

    @contextmanager
    def _locked(self, sku: str) -> Iterator[None]:
        lock = self._locks.setdefault(sku, threading.Lock())
        if not lock.acquire(timeout=LOCK_SECONDS):
            raise OmsError("storage_unavailable", "two orders block each other")
        try:
            yield
        finally:
            lock.release()
