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
FILES_MAX, FILES_OF_CALLER_MAX = 4, 1
HEAVY_BODY_BYTES = 64 * 1024
_DIGITS_OF_SHORT = 4
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
        self._taken: dict[str, int] = {}

    def place(self, caller: str) -> CallerPlace:
        """Return a place, to hold while a block runs, or until `give_back`. Raise `concurrency_limited`."""
        with self._lock:
            taken = self._taken.get(caller, 0)
            if taken >= self._places:
                raise concurrency_limited(self._places)
            self._taken[caller] = taken + 1
        return CallerPlace(self, caller)

    def give_back(self, place: CallerPlace) -> None:
        """Give a place back, unless that was done before."""
        with self._lock:
            if not place.is_held:
                return
            place.is_held = False
            taken = self._taken[place.caller] - 1
            if taken:
                self._taken[place.caller] = taken
            else:
                del self._taken[place.caller]


class CallerPlace:
    """A place of one request. Any thread may give it back. Every request has one: a generator would cost it more."""

    __slots__ = ("_places", "caller", "is_held")

    def __init__(self, places: CallerPlaces, caller: str) -> None:
        self._places = places
        self.caller = caller
        self.is_held = True

    def give_back(self) -> None:
        """Give it back; more than once does nothing."""
        self._places.give_back(self)

    def __enter__(self) -> CallerPlace:
        return self

    def __exit__(self, *_: object) -> None:
        self._places.give_back(self)


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
    """The bulkheads of one process: `callers` for every request, besides `heavy` for some, `files` for whole files."""

    callers: CallerPlaces
    heavy: Bulkhead
    files: Bulkhead

    @classmethod
    def of(cls, settings: HttpSettings, *, has_api_keys: bool) -> Bulkheads:
        """Make the bulkheads. Without authentication callers are not told apart, so one may have the whole process."""
        # Orders that share a thread may be as many as a process takes on, and one caller's if callers are all alike.
        all_places = max(settings.http_threads, settings.http_in_flight_max)
        waiting_max = WAITING_MAX if has_api_keys else settings.http_threads
        return cls(
            callers=CallerPlaces(caller_places(settings) if has_api_keys else all_places),
            heavy=Bulkhead(
                places=HEAVY_MAX,
                per_caller=HEAVY_OF_CALLER_MAX if has_api_keys else HEAVY_MAX,
                waiting_max=waiting_max,
                wait_seconds=WAIT_SECONDS,
            ),
            files=Bulkhead(
                places=FILES_MAX,
                per_caller=FILES_OF_CALLER_MAX if has_api_keys else FILES_MAX,
                waiting_max=waiting_max,
                wait_seconds=WAIT_SECONDS,
            ),
        )

    def beside_callers(self, operation: Operation, request: Request) -> Bulkhead | None:
        """Return the bulkhead that a request has to enter before its body is decoded; None for an ordinary one."""
        if isinstance(operation.body, TextBody) or operation.takes_long:
            return self.files
        is_heavy = operation.heavy or _is_long(request) or "HTTP_TRANSFER_ENCODING" in request.environ
        return self.heavy if is_heavy or request.parameters.get("limit", 0) > HEAVY_PAGE_ITEMS else None


def _is_long(request: Request) -> bool:
    # Four digits are below the bound, however they are read; werkzeug takes as long to read them as to read a key.
    return len(request.environ.get("CONTENT_LENGTH", "")) > _DIGITS_OF_SHORT and (
        (request.content_length or 0) > HEAVY_BODY_BYTES
    )


def caller_places(settings: HttpSettings) -> int:
    """Return how many requests of one caller a process answers at once: a quarter of its threads, unless it is set."""
    return settings.http_caller_in_flight_max or max(1, settings.http_threads // 4)
