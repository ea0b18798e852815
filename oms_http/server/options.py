"""The server's settings: every bound that protects a process from its clients, in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oms_http.edge.answer_headers import PLAIN, AnswerHeaders
from oms_http.server.tls import TlsFiles

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MEBIBYTE = 1024 * 1024
# As many as a process holds connections: a probe is told whether the service can work, and never that it is full.
READINESS_IN_FLIGHT_MAX = 4096
METRICS_IN_FLIGHT_MAX = 64
METRICS_REST_SECONDS = 0.05


def uncounted(_method: str, _status: int) -> None:
    """Do nothing about a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WsgiService:
    """What a worker process runs: the application, and `close`, called once when the process stops.

    `on_refusal` hears the method and the status of each request that the server refuses itself, which the application
    never sees; it runs on the event loop, so it must neither wait nor raise. `answer_headers` are for those answers,
    as the application puts them on its own. With `checks_heads` the application is first called without the body of a
    request that has a large one, and with `oms.head_only` true in its environ: it invites the body by setting
    `oms.welcome` there, and finds what it set when the body has come; unless it does, its answer is the request's.
    Requests of which `joins_batch` is true share a thread (batches.py): nothing that they do may wait, unless by the
    CallBatch that they have joined. None: each has a thread to itself.
    """

    app: WSGIApplication
    close: Callable[[], None]
    on_refusal: Callable[[str, int], None] = uncounted
    answer_headers: AnswerHeaders = PLAIN
    checks_heads: bool = False
    joins_batch: Callable[[Mapping[str, Any]], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimit:
    """How large a body `path` (exactly as requested, without query) may receive.

    A `spooled` body goes to a temporary file while it arrives, so its size costs disk and not memory; the
    application reads it from `wsgi.input` as from any other.
    """

    path: str
    bytes_max: int
    spooled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPool:
    """How many requests of a path run or wait, and how long its thread rests after each."""

    places: int
    rest_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server runs; each limit holds per process. docs/server.md says how the defaults were chosen.

    `tls`: HTTPS with these files, and no HTTP; by default the other way round.
    `in_flight_max`: requests that are being answered or wait for a thread; a further one is refused at once. Reads may
    take seven eighths of it, and so may writes, less when their answers take longer than `latency_target_seconds`
    (admission.py; infinity leaves the limit alone).
    `connections_max`: open connections; further ones wait, unaccepted, in the kernel's `backlog`.
    `target_bytes_max`: of a request's path and query, percent-decoded the one and encoded the other.
    `head_timeout_seconds`: for a request's head; an idle connection is closed after it too.
    `body_timeout_seconds`: for a whole body, or for each piece of a spooled one, which has `spool_timeout_seconds`.
    `send_timeout_seconds`: until a client of which nothing of an answer is taken is cut off (Linux).
    `bodies_bytes_max`: memory for all bodies above 64 KiB together. `spools_max`: bodies spooled at a time. Of both one
    caller, where the application names it by `oms.caller`, has a quarter.
    `answers_max`, `answers_bytes_max`: of answers above 64 KiB that are held for their readers, at a time and together;
    one caller may hold half of it. `answer_wait_seconds`: how long an answer waits for room. `answer_bytes_max`: of
    one answer. `answer_files_max`, `answer_files_bytes_max`: of answers that are files of the disk, likewise.
    `static_answers_max`: answers above 64 KiB that are the same for everybody, being sent at a time.
    `spool_directory`: by default the system's.
    `lame_duck_seconds`: how long after a SIGTERM requests are still taken, with `oms.draining` in their environ.
    `graceful_timeout_seconds`: what a stop then leaves to requests in flight before it gives up on them.
    `immediate_paths`: answered on the event loop itself, so the application must not wait for anything there.
    `own_pools`: paths with a thread of their own: neither these nor all others take a place from each other.
    `retry_after_seconds`: gives the Retry-After of a 503 (picklable, so a function of a module); by default what is in
    flight divided by the answers a second.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    tls: TlsFiles | None = None
    processes: int = 1
    threads: int = 32
    in_flight_max: int = 256
    latency_target_seconds: float = 1.0
    connections_max: int = 4096
    backlog: int = 1024
    head_bytes_max: int = 64 * 1024
    target_bytes_max: int = 8 * 1024
    head_timeout_seconds: float = 75.0
    body_bytes_max: int = MEBIBYTE
    body_limits: tuple[BodyLimit, ...] = ()
    body_timeout_seconds: float = 15.0
    send_timeout_seconds: float = 30.0
    bodies_bytes_max: int = 32 * MEBIBYTE
    spools_max: int = 8
    spool_timeout_seconds: float = 600.0
    answers_max: int = 128
    answers_bytes_max: int = 24 * MEBIBYTE
    answer_bytes_max: int = 64 * MEBIBYTE
    answer_wait_seconds: float = 5.0
    answer_files_max: int = 8
    answer_files_bytes_max: int = 4 * 1024 * MEBIBYTE
    static_answers_max: int = 64
    spool_directory: str | None = None
    lame_duck_seconds: float = 0.0
    graceful_timeout_seconds: int = 30
    immediate_paths: frozenset[str] = frozenset({"/healthz"})
    own_pools: Mapping[str, OwnPool] = field(
        default_factory=lambda: {
            "/readyz": OwnPool(places=READINESS_IN_FLIGHT_MAX),
            "/metrics": OwnPool(places=METRICS_IN_FLIGHT_MAX, rest_seconds=METRICS_REST_SECONDS),
        }
    )
    retry_after_seconds: Callable[[], int] | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that no server can run with. Raise ValueError, which names the setting."""
        _check_at_least(
            1,
            self,
            (
                "processes",
                "threads",
                "connections_max",
                "spools_max",
                "graceful_timeout_seconds",
            ),
        )
        _check_at_least(self.threads, self, ("in_flight_max",))
        _check_at_least(128, self, ("backlog",))
        _check_at_least(8 * 1024, self, ("head_bytes_max",))


def _check_at_least(least: int, options: ServerOptions, names: Iterable[str]) -> None:
    for name in names:
        if getattr(options, name) < least:
            raise ValueError(f"{name} must be at least {least}")
