"""Measures what knowing the caller costs: API keys and scopes, as a part of the processor time of POST /v1/orders.

`python -m tests.bench.bench_auth`: PostgreSQL, one order per request. Requests with a key to the application are paired
with the same requests to the same application for which the caller is always the same and may do everything. The two
halves of a pair take turns, ten requests each, so that a machine that is faster in one moment than in the next is so
for both, and are timed by the process's own processor time. The mean of the pairs' differences, with its 95% confidence
interval, is given as a part of that time, and of the processor time that `oms serve` takes for such a request in all.
"""

from __future__ import annotations

import argparse
import gc
import http.client
import io
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from flask import Flask

import oms_http.app
from oms_core import ALL_SCOPES, Caller, Oms, Scope, SetStock, Settings
from oms_core.domain.keys import CreateKey
from oms_http.app import create_app
from oms_http.requests import Request
from tests.bench.postgresql import postgresql_server
from tests.bench.served import served

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Student's t at 97.5% for 19 degrees of freedom: of 20 pairs.
PAIRS = 20
TURN = 10
T_QUANTILE = 2.093
PROMISED_PERCENT = 3.0
WARM_UP = 100
CREATED, CREATED_STATUS = "201 CREATED", 201
ORDER = json.dumps({"customer_id": "C1", "lines": [{"sku": "HOT", "quantity": 1, "unit_price": "9.99"}]}).encode()
ADMIN = Caller(name="bench", scopes=ALL_SCOPES)


class Trusted(Caller):
    """A caller who is not asked for scopes."""

    __slots__ = ()

    def require(self, scope: Scope) -> None:
        """Take it."""


def main() -> None:
    """Print the share and its interval."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=400, help="of each half of a pair (%(default)s)")
    options = parser.parse_args()
    with postgresql_server() as server, server.database() as url, opened(url) as oms:
        with_key, without = create_app(oms), trusting_app(oms)
        token = oms.create_key(CreateKey(name="shop", scopes=[Scope.ORDERS_WRITE]), caller=ADMIN).token
        pairs = list(measure(with_key, without, f"Bearer {token}", options.requests))
        served_us = microseconds_served(url, f"Bearer {token}", options.requests * 5)
    costs = [(keyed - trusted) / options.requests * 1e6 for keyed, trusted in pairs]
    mean, half = statistics.mean(costs), T_QUANTILE * statistics.stdev(costs) / math.sqrt(len(costs))
    application_us = statistics.mean(keyed for keyed, _ in pairs) / options.requests * 1e6
    print(f"knowing the caller: {mean:.1f} us, 95% {mean - half:.1f} to {mean + half:.1f} us, {len(pairs)} pairs")
    for whole, whole_us in (("the application's", application_us), ("the service's", served_us)):
        low, share, high = (100 * each / whole_us for each in (mean - half, mean, mean + half))
        print(f"of {whole} {whole_us:,.0f} us for POST /v1/orders: {share:.2f}% ({low:.2f}% to {high:.2f}%)")
    print(f"promised: at most {PROMISED_PERCENT:g}%")


@contextmanager
def opened(url: str) -> Iterator[Oms]:
    """Open a system with stock, on which keys are asked for."""
    settings = Settings(database_url=url, auth="keys", rate_limits="off", group_commit=False)
    with Oms.open(settings) as oms:
        oms.storage.schema.upgrade()
        oms.set_stock(SetStock(sku="HOT", on_hand=1_000_000_000), caller=ADMIN)
        yield oms


def trusting_app(oms: Oms) -> Flask:
    """Make the same application for a caller who is known beforehand and may do everything."""

    def trusted(request: Request) -> Caller:
        return Trusted(name="shop", scopes=ALL_SCOPES, request_id=request.request_id)

    genuine = oms_http.app.callers_of
    setattr(oms_http.app, "callers_of", lambda _: trusted)  # noqa: B010
    try:
        return create_app(oms)
    finally:
        setattr(oms_http.app, "callers_of", genuine)  # noqa: B010


def measure(with_key: Flask, without: Flask, authorization: str, requests: int) -> Iterator[tuple[float, float]]:
    """Give the processor seconds with a key and without, pair by pair."""
    for app in (with_key, without):
        processor_seconds(app, authorization, requests)  # Connects, prepares statements, fills caches.
    gc.freeze()
    for number in range(PAIRS):
        seconds = {with_key: 0.0, without: 0.0}
        for turn in range(requests // TURN):
            first, second = (with_key, without) if (number + turn) % 2 else (without, with_key)
            for app in (first, second):
                seconds[app] += processor_seconds(app, authorization, TURN)
        yield seconds[with_key], seconds[without]


def microseconds_served(url: str, authorization: str, requests: int) -> float:
    """Give the processor time that one process of `oms serve`, without PostgreSQL's own, takes for a request."""
    settings = {
        "OMS_DATABASE_URL": url,
        "OMS_AUTH": "keys",
        "OMS_RATE_LIMITS": "off",
        "OMS_HTTP_PROCESSES": "1",
        "OMS_GROUP_COMMIT": "off",
    }
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), settings) as service:
        with closing(http.client.HTTPConnection(service.host, service.port, timeout=30)) as connection:
            began_at = 0.0
            for number in range(-WARM_UP, requests):
                if number == 0:
                    began_at = seconds_of_children()
                connection.request("POST", "/v1/orders", ORDER, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != CREATED_STATUS:
                    sys.exit(f"an order was not placed: {answer.status}")
        return (seconds_of_children() - began_at) / requests * 1e6


def seconds_of_children() -> float:
    """Give the processor time of everything that this process has started and that still runs, but PostgreSQL."""
    processes = [each for each in psutil.Process().children(recursive=True) if "postgres" not in each.name()]
    return sum(times.user + times.system for times in (each.cpu_times() for each in processes))


def processor_seconds(app: Flask, authorization: str, requests: int) -> float:
    """Place orders; end the run if one is not placed."""
    statuses: set[str] = set()
    began_at = time.process_time()
    for _ in range(requests):
        answer = app(environ(authorization), lambda status, *_: statuses.add(status))  # type: ignore[arg-type,func-returns-value]
        b"".join(answer)
    seconds = time.process_time() - began_at
    if statuses != {CREATED}:
        sys.exit(f"not every order was placed: {statuses}")
    return seconds


def environ(authorization: str) -> WSGIEnvironment:
    """Give a POST /v1/orders as a server would."""
    given: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/v1/orders",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(ORDER)),
        "HTTP_HOST": "127.0.0.1:8080",
        "HTTP_AUTHORIZATION": authorization,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(ORDER),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    return given


if __name__ == "__main__":
    main()
