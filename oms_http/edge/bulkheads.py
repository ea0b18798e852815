"""Bounds on how much of a process one caller has at once, and on how many heavy requests run in it.

All requests share one interpreter. These are bulkheads (M. Nygard, Release It!): what floods one compartment does not
sink the others.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from oms_core.errors import OmsError
from oms_core.runtime.forks import begin_in_each_process
from oms_http.openapi.operation import Operation, TextBody
from oms_http.requests import Request
from oms_http.settings import HttpSettings

RETRY_AFTER_SECONDS = 1
# A heavy request keeps the interpreter busy for as long as a hundred small ones: each that runs beside costs every
# small one its turns, and decoding the largest body takes 100 MB.
HEAVY_MAX, HEAVY_OF_CALLER_MAX = 2, 1
UPLOADS_MAX, UPLOADS_OF_CALLER_MAX = 4, 1
HEAVY_BODY_BYTES = 64 * 1024
HEAVY_PAGE_ITEMS = 100
WAITING_MAX = 4
WAIT_SECONDS = 10.0


class CallerPlaces:
    """At most `places` requests of each caller at once; thread-safe, and empty in a forked child."""

    def __init__(self, places: int) -> None:
        self._places = places
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Hold a place while the block runs. Raises `concurrency_limited`."""
        with self._lock:
            if self._taken[caller] >= self._places:
                raise concurrency_limited(self._places)
            self._taken[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[caller] -= 1
                if not self._taken[caller]:
                    del self._taken[caller]


class Bulkhead:
    """At most `places` requests of one kind run at once, of a caller `per_caller`; thread-safe.

    Of each caller `waiting_max` more wait for their turn, up to `wait_seconds`. A further one is refused at once.
    """

    def __init__(self, *, places: int, per_caller: int, waiting_max: int, wait_seconds: float) -> None:
        self._places = places
        self._per_caller = per_caller
        self._entered = CallerPlaces(per_caller + waiting_max)
        self._wait_seconds = wait_seconds
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._running: Counter[str] = Counter()

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Hold a place while the block runs. Raises `concurrency_limited`, or `overloaded`: none was free in time."""
        with self._entered.place(caller):
            self._enter(caller)
            try:
                yield
            finally:
                self._leave(caller)

    def _enter(self, caller: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free(caller), self._wait_seconds):
                if self._running[caller] >= self._per_caller:
                    raise concurrency_limited(self._per_caller)
                raise OmsError("overloaded", "too many large requests are being answered; nothing was changed")
            self._running[caller] += 1

    def _leave(self, caller: str) -> None:
        with self._changed:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]
            self._changed.notify_all()

    def _is_free(self, caller: str) -> bool:
        return self._running.total() < self._places and self._running[caller] < self._per_caller


def concurrency_limited(places: int) -> OmsError:
    """Make the error of a caller who has all of its places."""
    return OmsError(
        "concurrency_limited",
        f"{places} requests of this caller are being answered already; nothing was changed",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulkheads:
    """The bulkheads of one process: `callers` for every request, `heavy` and `uploads` for some requests besides."""

    callers: CallerPlaces
    heavy: Bulkhead
    uploads: Bulkhead

    @classmethod
    def of(cls, settings: HttpSettings, *, has_api_keys: bool) -> Bulkheads:
        """Make the bulkheads. Without authentication callers are not told apart, so one may have the whole process."""
        threads = settings.http_threads
        waiting_max = WAITING_MAX if has_api_keys else threads
        return cls(
            callers=CallerPlaces(caller_places(settings) if has_api_keys else threads),
            heavy=Bulkhead(
                places=HEAVY_MAX,
                per_caller=HEAVY_OF_CALLER_MAX if has_api_keys else HEAVY_MAX,
                waiting_max=waiting_max,
                wait_seconds=WAIT_SECONDS,
            ),
            uploads=Bulkhead(
                places=UPLOADS_MAX,
                per_caller=UPLOADS_OF_CALLER_MAX if has_api_keys else UPLOADS_MAX,
                waiting_max=waiting_max,
                wait_seconds=WAIT_SECONDS,
            ),
        )

    def beside_callers(self, operation: Operation, request: Request) -> Bulkhead | None:
        """Return the bulkhead that a request has to enter before its body is decoded; None for an ordinary one."""
        if isinstance(operation.body, TextBody):
            return self.uploads
        length = request.content_length or 0
        is_heavy = operation.heavy or length > HEAVY_BODY_BYTES or "HTTP_TRANSFER_ENCODING" in request.environ
        return self.heavy if is_heavy or request.parameters.get("limit", 0) > HEAVY_PAGE_ITEMS else None


def caller_places(settings: HttpSettings) -> int:
    """Return how many requests of one caller a process answers at once: a quarter of its threads, unless it is set."""
    return settings.http_caller_in_flight_max or max(1, settings.http_threads // 4)
