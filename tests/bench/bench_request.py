"""Measures the processor time of a request around the storage: whole requests, and the parts of an order.

`python -m tests.bench.bench_request`: the WSGI application is called as the server calls it, with the environ that the
server makes. A stub takes the orders: it makes the order that the answer shows and writes nothing. Beside it stands a
Flask no-op, which is what Flask and werkzeug take for any request. Parts are called again and again, so that the
processor's caches hold what they need; in a request they take up to half as much again. All take turns.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Flask

from oms_core import Oms, Scope, Settings, bootstrap
from oms_core.documents.json_text import parse_json
from oms_core.documents.orders import read_order, show_order
from oms_core.domain.api_keys import CreateApiKey
from oms_core.domain.fingerprints import order_fingerprint
from oms_core.domain.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS
from oms_core.domain.orders.new_orders import placed_order
from oms_core.domain.orders.placement import EnteredAs, Placed, Placement, PlacementOutcome
from oms_core.ports.clock import SystemClock
from oms_core.use_cases.orders.prepare_placement import prepare_placement
from oms_http.app import create_app
from oms_http.responses import json_response
from oms_http.server.environ import base_environ
from tests.bench.bench_auth import ADMIN
from tests.bench.noop import NOOP, make_app
from tests.bench.options import options_of_rounds
from tests.bench.results import Cell, Column, Results, ResultTable

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

BATCH = 50
UNREACHED = {"rate_limits": "orders.place=1000000000/second", "http_rate_limit": "1000000000/minute"}
HEADERS = [("Cache-Control", "no-store"), ("ETag", '"1"'), ("Location", f"/v1/orders/{uuid.UUID(int=7)}")]

Measured = Mapping[str, Callable[[], object]]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = options_of_rounds(__doc__, rounds=15)
    parser.add_argument("--requests", type=int, default=200, help="of each turn (%(default)s)")
    given = parser.parse_args(argv)
    with stubbed(auth="off") as local, stubbed(auth="keys", **UNREACHED) as keyed:
        requests, parts = whole_requests(local, keyed), parts_of_an_order(local)
        gc.collect()
        gc.freeze()
        tables = {
            "requests": table_of("Whole requests", requests, given.rounds, given.requests),
            "parts": table_of("Parts of an order", parts, given.rounds, given.requests),
        }
    Results(command="python -m tests.bench.bench_request", tables=tables).give(given.json)


@contextmanager
def stubbed(**settings: Any) -> Iterator[Oms]:
    """Open a system whose orders are shown and never written, with metrics as in the service."""
    with Oms.open(Settings(database_url="memory://", **settings), metrics=bootstrap.open_metrics()) as oms:
        oms.orders.intake.place = placed
        oms.orders.intake.place_many = lambda placements: [placed(each) for each in placements]  # type: ignore[method-assign]
        yield oms


def placed(placement: Placement) -> PlacementOutcome:
    """Answer as if an order had been written."""
    return Placed(order=placed_order(placement), replayed=False, entered_as=EnteredAs.PLACED)


def whole_requests(local: Oms, keyed: Oms) -> Measured:
    """Give a call for each kind of request."""
    key = keyed.api_keys.create(CreateApiKey(name="shop", scopes=[Scope.ORDERS_WRITE]), caller=ADMIN)
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {key.token}"}
    app, with_key, by_flask = create_app(local), create_app(keyed), hooked(create_app(local))
    small, large = json.dumps(order(2)).encode(), json.dumps(order(21)).encode()
    batch = json.dumps({"orders": [order(2) for _ in range(BATCH)]}).encode()
    return {
        "a Flask no-op": request(make_app(), NOOP, small),
        "POST, 2 lines": request(app, "/v1/orders", small),
        "POST, 2 lines, through Flask's contexts": request(by_flask, "/v1/orders", small),
        "POST, 2 lines, API key and limits": request(with_key, "/v1/orders", small, bearer),
        "POST, 21 lines": request(app, "/v1/orders", large),
        f"POST, a batch of {BATCH} orders of 2 lines": request(app, "/v1/orders/batch", batch),
    }


def parts_of_an_order(oms: Oms) -> Measured:
    """Give a call for each part of an order of two lines."""
    body, clock = json.dumps(order(2)).encode(), SystemClock()
    document = parse_json(body)
    command = read_order(document, idempotency_key=uuid.uuid4().hex)
    placement = prepare_placement(command, caller=ADMIN, clock=clock, currency="EUR")
    order_placed = placed_order(placement)
    shown = show_order(order_placed)
    caller = ADMIN.of_request("r")

    def counted() -> None:
        oms.metrics.count(HTTP_REQUESTS, "POST", "/v1/orders", "201")
        oms.metrics.observe(HTTP_REQUEST_SECONDS, 0.01, "POST", "/v1/orders")

    return {
        "reading JSON": lambda: parse_json(body),
        "reading the order": lambda: read_order(document, idempotency_key=command.idempotency_key),
        "preparing": lambda: prepare_placement(command, caller=caller, clock=clock, currency="EUR"),
        "of which the fingerprint": lambda: order_fingerprint(command, "EUR"),
        "making the Order": lambda: placed_order(placement),
        "showing it": lambda: show_order(order_placed),
        "encoding it, with headers": lambda: json_response(shown, status=201, headers=HEADERS),
        "counting it": counted,
    }


def order(lines: int) -> dict[str, object]:
    """Make an order."""
    return {
        "customer_id": "C1234",
        "lines": [{"sku": f"SKU-{number:05}", "quantity": 1, "unit_price": "9.99"} for number in range(lines)],
    }


def request(
    app: WSGIApplication, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> Callable[[], None]:
    """Give what sends a request and takes its answer."""
    environ = base_environ(processes=2, threads=256) | {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "127.0.0.1:8080",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "oms.request_id": "0" * 32,
        **(headers or {}),
    }
    keyed = path == "/v1/orders"

    def send() -> None:
        statuses: list[str] = []
        key = {"HTTP_IDEMPOTENCY_KEY": uuid.uuid4().hex} if keyed else {}
        answer: Any = app({**environ, **key, "wsgi.input": BytesIO(body)}, lambda status, *_: statuses.append(status))  # type: ignore[arg-type]
        b"".join(answer)
        if statuses[0][:1] != "2":
            sys.exit(f"{path} was answered {statuses[0]}")

    return send


def hooked(app: Flask) -> Flask:
    """Hook into the application, so that Flask answers all routes."""
    app.before_request(lambda: None)
    return app


def table_of(title: str, measured: Measured, rounds: int, requests: int) -> ResultTable:
    """Measure all in turns."""
    figures: dict[str, list[float]] = {name: [] for name in measured}
    for call in measured.values():
        microseconds(call, requests)  # Fills caches.
    for number in range(rounds):
        for name in list(measured) if number % 2 else reversed(list(measured)):
            figures[name].append(microseconds(measured[name], requests))
    rows: list[list[Cell]] = [[name, found] for name, found in figures.items()]
    return ResultTable(
        title=title, columns=[Column(name="what"), Column(name="us of processor time", form="{:,.1f}")], rows=rows
    )


def microseconds(call: Callable[[], object], times: int) -> float:
    """Give the processor time of a call."""
    began_at = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began_at) / times * 1e6


if __name__ == "__main__":
    main()
