"""Which threads answer a request, and within which bounds: chosen once, by the one path that routing reads too."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from oms_http.server.admission import SAFE_METHODS, AdaptiveLimit, Admission
from oms_http.server.answers import Answer, WsgiRunner
from oms_http.server.batches import RequestBatches
from oms_http.server.options import BodyLimit, ServerOptions
from oms_http.server.threads import OnTheLoop, RequestThreads

_OWN_POOL_STOP_SECONDS = 1.0
_HOLD_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Pool:
    """What answers the requests of a path, the places they take, and how large their bodies may be.

    Uploads, which are spooled, take as long as their size wants and say nothing of the load: they are not `measured`.
    Answers and refusals are held for `hold_seconds`, so that who asks again at once does not ask too often.
    """

    threads: RequestThreads | RequestBatches | OnTheLoop
    limit: AdaptiveLimit
    body_limit: BodyLimit
    is_measured: bool
    hold_seconds: float = 0.0

    @property
    def full(self) -> bool:
        """Return whether a further request has to be refused."""
        return self.limit.full or self.threads.full


class Pools:
    """The pools of one process; all methods belong to the event loop's thread."""

    def __init__(
        self,
        answer: WsgiRunner,
        options: ServerOptions,
        loop: asyncio.AbstractEventLoop,
        joins_batch: Callable[[Mapping[str, Any]], bool] | None = None,
    ) -> None:
        self._default = BodyLimit(path="", bytes_max=options.body_bytes_max)
        self._threads = RequestThreads(
            answer, name="oms-http", threads=options.threads, in_flight_max=options.in_flight_max, loop=loop
        )
        self._batches = None
        if joins_batch is not None:
            self._batches = RequestBatches(
                answer, joins=joins_batch, threads=self._threads, in_flight_max=options.in_flight_max, loop=loop
            )
        admission = Admission(in_flight_max=options.in_flight_max, target_seconds=options.latency_target_seconds)
        self._others = self._open_common(admission, self._default)
        self._common = {limit.path: self._open_common(admission, limit) for limit in options.body_limits}
        self._own: dict[str, Pool] = dict(self._open_own(answer, options, loop))
        for path in options.immediate_paths:
            self._own[path] = Pool(
                OnTheLoop(answer), _fixed(options.connections_max), self._default, False, _HOLD_SECONDS
            )

    def of(self, path: str, method: str) -> Pool:
        """Return the pool of a request."""
        own = self._own.get(path)
        if own is not None:
            return own
        reading, writing = self._common.get(path, self._others)
        return reading if method in SAFE_METHODS else writing

    def close(self, *, timeout_seconds: float) -> None:
        """Let the threads finish what was handed in, all within this time, and end them."""
        ends_at = time.monotonic() + timeout_seconds
        if self._batches is not None:
            self._batches.close(timeout_seconds=timeout_seconds)
        self._threads.close(timeout_seconds=max(0.0, ends_at - time.monotonic()))
        for pool in self._own.values():
            pool.threads.close(timeout_seconds=_OWN_POOL_STOP_SECONDS)

    def _open_common(self, admission: Admission, body_limit: BodyLimit) -> tuple[Pool, Pool]:
        """Make what serves requests that read, and requests that write, on the threads of all."""
        threads = self._batches or self._threads
        is_measured = not body_limit.spooled
        return (
            Pool(threads, admission.reads, body_limit, is_measured),
            Pool(threads, admission.writes, body_limit, is_measured),
        )

    def _open_own(
        self, answer: Callable[[dict[str, Any]], Answer], options: ServerOptions, loop: asyncio.AbstractEventLoop
    ) -> Iterator[tuple[str, Pool]]:
        for path, own in options.own_pools.items():
            threads = RequestThreads(
                answer,
                name=f"oms-http-{path.strip('/')}",
                threads=1,
                in_flight_max=own.places,
                loop=loop,
                rest_seconds=own.rest_seconds,
            )
            yield path, Pool(threads, _fixed(own.places), self._default, True, _HOLD_SECONDS)


def _fixed(places: int) -> AdaptiveLimit:
    return AdaptiveLimit(ceiling=places, target_seconds=math.inf)
