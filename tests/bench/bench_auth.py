"""Measures what knowing the caller costs: API keys and scopes, as a part of the processor time of POST /v1/orders.

`python -m tests.bench.bench_auth`: one process, PostgreSQL, one order per request. Blocks of requests with a key are
paired with blocks of the same requests to the same application for which the caller is a constant that may do
everything, in alternating order; both halves of a pair are timed by the process's own processor time, so other work on
the machine matters little. Printed is the mean of the pairs' differences with its 95% confidence interval.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import Flask

import oms_http.app
from oms_core import ALL_SCOPES, Caller, Oms, Scope, SetStock, Settings
from oms_core.domain.keys import CreateKey
from oms_http.app import create_app
from tests.bench.postgresql import postgresql_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Student's t at 97.5% for 19 degrees of freedom: of 20 pairs.
PAIRS = 20
T_QUANTILE = 2.093
PROMISED_PERCENT = 3.0
CREATED = "201 CREATED"
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
    parser.add_argument("--requests", type=int, default=400, help="per block (%(default)s)")
    options = parser.parse_args()
    with postgresql_server() as server, server.database() as url, opened(url) as oms:
        with_key, without = create_app(oms), trusting_app(oms)
        token = oms.create_key(CreateKey(name="shop", scopes=[Scope.ORDERS_WRITE]), caller=ADMIN).token
        shares = list(measure(with_key, without, f"Bearer {token}", options.requests))
    mean, half = statistics.mean(shares), T_QUANTILE * statistics.stdev(shares) / math.sqrt(len(shares))
    print(f"authentication and authorisation: {mean:.2f}% of the processor time of POST /v1/orders")
    print(
        f"95% confidence interval: {mean - half:.2f}% to {mean + half:.2f}%, {len(shares)} pairs of {options.requests}"
    )
    print(f"promised: at most {PROMISED_PERCENT:g}%: {'kept' if mean <= PROMISED_PERCENT else 'NOT KEPT'}")


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
    caller = Trusted(name="shop", scopes=ALL_SCOPES)
    genuine = oms_http.app.callers_of
    setattr(oms_http.app, "callers_of", lambda _: lambda _: caller)  # noqa: B010
    try:
        return create_app(oms)
    finally:
        setattr(oms_http.app, "callers_of", genuine)  # noqa: B010


def measure(with_key: Flask, without: Flask, authorization: str, requests: int) -> Iterator[float]:
    """Give what the key costs, in per cent of the time with it, pair by pair."""
    for app in (with_key, without):
        processor_seconds(app, authorization, requests)  # Connects, prepares statements, fills caches.
    for number in range(PAIRS):
        first, second = (with_key, without) if number % 2 else (without, with_key)
        seconds = {app: processor_seconds(app, authorization, requests) for app in (first, second)}
        yield 100 * (seconds[with_key] - seconds[without]) / seconds[with_key]


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
