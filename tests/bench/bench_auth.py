"""Measures what knowing the caller costs: API keys and scopes, as a part of the processor time of POST /v1/orders.

`python -m tests.bench.bench_auth`: PostgreSQL, one order per request. Requests with a key to the application are paired
with the same requests to the same application for which the caller is always the same and may do everything. The two
halves of a pair take turns, ten requests each, so that a machine that is faster in one moment than in the next is so
for both, and are timed by the process's own processor time. The mean of the pairs' differences, with its 95% confidence
interval, is given as a part of that time, and of the processor time that `oms serve` takes for such a request in all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask import Flask

import oms_http.app
from oms_core import ALL_SCOPES, Caller, Oms, Scope, SetStock, Settings
from oms_core.domain.api_keys import CreateApiKey
from oms_http.app import create_app
from oms_http.requests import Request
from tests.bench.options import options_of_pairs
from tests.bench.paired import COSTS, Asked, cost_of, microseconds_served
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Column, Results, ResultTable

PROMISED_PERCENT = 3.0
ORDER = json.dumps({"customer_id": "C1", "lines": [{"sku": "HOT", "quantity": 1, "unit_price": "9.99"}]}).encode()
ADMIN = Caller(name="bench", scopes=ALL_SCOPES)
NO_LIMITS = {"OMS_RATE_LIMITS": "off", "OMS_HTTP_RATE_LIMIT": "off"}


class Trusted(Caller):
    """A caller who is not asked for scopes."""

    __slots__ = ()

    def require(self, scope: Scope) -> None:
        """Take it."""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the share and its interval."""
    given = options_of_pairs(__doc__, requests=400).parse_args(argv)
    with postgresql_server() as server, server.database() as url, opened(url) as oms:
        asked = order_with_key(oms)
        cost = cost_of(create_app(oms), trusting_app(oms), asked, given.requests)
        served_us = microseconds_served(serving(url) | NO_LIMITS, asked, given.requests * 5)
    title = f"Processor time of an order with an API key; promised: at most {PROMISED_PERCENT:g}%"
    row = ["knowing the caller", *cost.cells(served_us)]
    table = ResultTable(title=title, columns=(Column(name=""), *COSTS), rows=[row])
    Results(command="python -m tests.bench.bench_auth", tables={"auth": table}).give(given.json)


@contextmanager
def opened(url: str, *, rate_limits: str = "off", http_rate_limit: str = "off") -> Iterator[Oms]:
    """Open a system with stock, on which keys are asked for."""
    settings = Settings(
        database_url=url, auth="keys", rate_limits=rate_limits, http_rate_limit=http_rate_limit, group_commit=False
    )
    with Oms.open(settings) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="HOT", on_hand=1_000_000_000), caller=ADMIN)
        yield oms


def serving(url: str) -> dict[str, str]:
    """Give what one process of `oms serve` is to do as this one."""
    return {"OMS_DATABASE_URL": url, "OMS_AUTH": "keys", "OMS_HTTP_PROCESSES": "1", "OMS_GROUP_COMMIT": "off"}


def order_with_key(oms: Oms) -> Asked:
    """Give an order with a key that may place and read."""
    scopes = [Scope.ORDERS_WRITE, Scope.INVENTORY_READ]
    token = oms.api_keys.create(CreateApiKey(name="shop", scopes=scopes), caller=ADMIN).token
    return Asked(method="POST", path="/v1/orders", authorization=f"Bearer {token}", status=201, body=ORDER)


def trusting_app(oms: Oms) -> Flask:
    """Make the same application for a caller who is known beforehand and may do everything."""

    def trusted(request: Request) -> Caller:
        return Trusted(name="shop", scopes=ALL_SCOPES, request_id=request.request_id)

    genuine = oms_http.app.callers_of
    setattr(oms_http.app, "callers_of", lambda *_: trusted)  # noqa: B010
    try:
        return create_app(oms)
    finally:
        setattr(oms_http.app, "callers_of", genuine)  # noqa: B010


if __name__ == "__main__":
    main()
