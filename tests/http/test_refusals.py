"""What the log tells of refusals: who, what and why, in a bounded number of lines."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from werkzeug.test import EnvironBuilder

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, OmsError, Scope, Settings
from oms_http.edge.refusal_log import EACH_SECONDS, LINES_A_SECOND, RefusalLog
from oms_http.requests import Request
from tests.http.asking import order
from tests.http.conftest import client_of, conforming

pytestmark = pytest.mark.usefixtures("answered_by")

ROOT = Caller(name="root", scopes=ALL_SCOPES)
FORBIDDEN = OmsError("forbidden", "this needs the scope admin")


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, logger="oms_http"):
        yield caplog


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def request(name: str | None = "shop", method: str = "GET", address: str = "192.0.2.1") -> Request:
    asked = Request(EnvironBuilder("/v1/keys", method=method, environ_base={"REMOTE_ADDR": address}).get_environ())
    if name is not None:
        asked.caller = Caller(name=name, scopes=ALL_SCOPES)
    return asked


def test_a_403_and_a_429_tell_who_asked_what_and_why(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(database_url="memory://", auth="keys", rate_limits="orders.read=1/day", http_rate_limit="5/day")
    with Oms.open(settings) as oms:
        client = client_of(conforming(oms))
        token = oms.api_keys.create(CreateApiKey(name="shop", scopes=[Scope.ORDERS_READ]), caller=ROOT).token
        headers = {"Authorization": f"Bearer {token}", "X-Request-ID": "R1"}
        client.post("/v1/orders", json=order(), headers=headers)
        client.get("/v1/orders", headers=headers)
        client.get("/v1/orders", headers=headers)
        for _ in range(10):
            client.get("/docs", headers={"X-Request-ID": "R2"})
    told = [record.getMessage() for record in caplog.records if record.name == "oms_http.edge.refusal_log"]
    assert told[0] == (
        "forbidden: caller 'shop' at '127.0.0.1', 'POST' /v1/orders: 'this needs the scope orders:write' (request R1)"
    )
    assert told[1].startswith("rate_limited: caller 'shop' at '127.0.0.1', 'GET' /v1/orders: 'the limit orders.read is")
    assert told[2].startswith("rate_limited: caller 'unknown' at '127.0.0.1', 'GET' /docs: 'the limit address is 5")
    assert len(told) == 3
    assert not [record for record in caplog.records if record.name == "flask-limiter"]
    assert token not in caplog.text


def test_the_same_of_the_same_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    refusals = RefusalLog(clock=clock)
    for _ in range(1_000):
        refusals.note(FORBIDDEN, request())
        clock.now += 0.05
    assert len(caplog.messages) == 1
    clock.now += EACH_SECONDS
    refusals.note(FORBIDDEN, request())
    assert caplog.messages[1].endswith(", and 999 others were not told)")


def test_a_flood_of_one_hides_nobody_else_beside_it(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    refusals = RefusalLog(clock=clock)
    for number in range(1_000):
        refusals.note(FORBIDDEN, request("flood"))
        clock.now += 0.01
        if number == 500:
            refusals.note(FORBIDDEN, request("other"))
    assert [("flood" in told, "other" in told) for told in caplog.messages] == [(True, False), (False, True)]


def test_all_together_are_bounded_too(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    refusals = RefusalLog(clock=clock)
    for number in range(1_000):
        refusals.note(FORBIDDEN, request(None, address=f"192.0.2.{number}"))
    assert len(caplog.messages) == LINES_A_SECOND
    clock.now += 1
    refusals.note(FORBIDDEN, request("late"))
    assert len(caplog.messages) == LINES_A_SECOND + 1


def test_nobody_forges_a_line(caplog: pytest.LogCaptureFixture) -> None:
    RefusalLog().note(FORBIDDEN, request("x", method="GE\nT", address="1\n2"))
    assert len(caplog.messages) == 1
    assert "\n" not in caplog.text.strip()


@pytest.mark.parametrize("code", ["unauthenticated", "validation_error", "storage_unavailable", "internal_error"])
def test_other_errors_are_told_elsewhere_or_not(caplog: pytest.LogCaptureFixture, code: str) -> None:
    RefusalLog().note(OmsError(code, "x"), request())
    assert not caplog.messages
