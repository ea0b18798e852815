"""Compares the processor time of two applications for the same request, in pairs whose halves take turns."""

from __future__ import annotations

import gc
import http.client
import io
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from flask import Flask

from tests.bench.results import Cell, Column
from tests.bench.served import served

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Student's t at 97.5% for 19 degrees of freedom: of 20 pairs.
PAIRS = 20
TURN = 10
T_QUANTILE = 2.093
WARM_UP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request with a key, and the status that it must be answered with."""

    method: str
    path: str
    authorization: str
    status: int
    body: bytes = b""

    def environ(self) -> WSGIEnvironment:
        """Give it as a server would."""
        given: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8080",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(self.body)),
            "HTTP_HOST": "127.0.0.1:8080",
            "HTTP_AUTHORIZATION": self.authorization,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one application takes more than the other for a request, in microseconds, with its 95% interval."""

    mean_us: float
    half_us: float
    whole_us: float

    def cells(self, served_us: float) -> list[Cell]:
        """Give the columns of COSTS: also as parts of the application's time, and of the service's."""
        interval = f"{self.mean_us - self.half_us:.1f} to {self.mean_us + self.half_us:.1f}"
        return [
            self.mean_us,
            interval,
            self.whole_us,
            self.share_of(self.whole_us),
            served_us,
            self.share_of(served_us),
        ]

    def share_of(self, whole_us: float) -> str:
        """Give it as a part of something."""
        low, share, high = (
            100 * each / whole_us for each in (self.mean_us - self.half_us, self.mean_us, self.mean_us + self.half_us)
        )
        return f"{share:.2f}% ({low:.2f}% to {high:.2f}%)"


COSTS = (
    Column(name="us more", form="{:.1f}"),
    Column(name="95%"),
    Column(name="application's us", form="{:,.0f}"),
    Column(name="of them"),
    Column(name="service's us", form="{:,.0f}"),
    Column(name="of those"),
)


def cost_of(dear: Flask, cheap: Flask, asked: Asked, requests: int) -> Cost:
    """Measure `requests` of each half of a pair."""
    pairs = list(_pairs(dear, cheap, asked, requests))
    costs = [(more - less) / requests * 1e6 for more, less in pairs]
    return Cost(
        mean_us=statistics.mean(costs),
        half_us=T_QUANTILE * statistics.stdev(costs) / math.sqrt(len(costs)),
        whole_us=statistics.mean(more for more, _ in pairs) / requests * 1e6,
    )


def microseconds_served(settings: Mapping[str, str], asked: Asked, requests: int) -> float:
    """Give the processor time that one process of `oms serve`, without PostgreSQL's own, takes for a request."""
    headers = {"Authorization": asked.authorization, "Content-Type": "application/json"}
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), dict(settings)) as service:
        with closing(http.client.HTTPConnection(service.host, service.port, timeout=30)) as connection:
            began_at = 0.0
            for number in range(-WARM_UP, requests):
                if number == 0:
                    began_at = _seconds_of_children()
                connection.request(asked.method, asked.path, asked.body or None, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != asked.status:
                    sys.exit(f"{asked.path} was answered {answer.status}")
        return (_seconds_of_children() - began_at) / requests * 1e6


def _pairs(dear: Flask, cheap: Flask, asked: Asked, requests: int) -> Iterator[tuple[float, float]]:
    for app in (dear, cheap):
        _processor_seconds(app, asked, requests)  # Connects, prepares statements, fills caches.
    gc.freeze()
    for number in range(PAIRS):
        seconds = {dear: 0.0, cheap: 0.0}
        for turn in range(requests // TURN):
            first, second = (dear, cheap) if (number + turn) % 2 else (cheap, dear)
            for app in (first, second):
                seconds[app] += _processor_seconds(app, asked, TURN)
        yield seconds[dear], seconds[cheap]


def _processor_seconds(app: Flask, asked: Asked, requests: int) -> float:
    statuses: set[str] = set()
    began_at = time.process_time()
    for _ in range(requests):
        answer = app(asked.environ(), lambda status, *_: statuses.add(status[:3]))  # type: ignore[arg-type,func-returns-value]
        b"".join(answer)
    seconds = time.process_time() - began_at
    if statuses != {str(asked.status)}:
        sys.exit(f"{asked.path} was answered {statuses}")
    return seconds


def _seconds_of_children() -> float:
    """Give the processor time of everything that this process has started and that still runs, but PostgreSQL."""
    processes = [each for each in psutil.Process().children(recursive=True) if "postgres" not in each.name()]
    return sum(times.user + times.system for times in (each.cpu_times() for each in processes))
