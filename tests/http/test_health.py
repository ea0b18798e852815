"""/healthz and /readyz: quick and true, also when the database hangs."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator

import pytest

from oms_core import Oms, OmsError
from oms_http.app import create_app
from oms_http.service.degradation import Degradation
from oms_http.service.readiness import Readiness
from tests.http.asking import read, refused
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of
from tests.services.threads import no_thread_to_give, status_in_child

DEADLINE_SECONDS = 20


class HangingDatabase:
    """A check that does not return before it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.go = threading.Event()

    def check(self) -> None:
        self.asked.release()
        assert self.go.wait(DEADLINE_SECONDS)


@pytest.fixture
def hanging() -> Iterator[HangingDatabase]:
    database = HangingDatabase()
    yield database
    database.go.set()


class Hands:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def asking(oms: Oms, readiness: Readiness) -> ConformingClient:
    app = create_app(oms, readiness=readiness)
    app.test_client_class = ConformingClient
    return client_of(app)


def degraded(oms: Oms, check_queue: Readiness) -> ConformingClient:
    app = create_app(oms, degradation=Degradation(oms, check_queue=check_queue))
    app.test_client_class = ConformingClient
    return client_of(app)


def raising(error: Exception) -> Callable[[], None]:
    def check() -> None:
        raise error

    return check


def test_a_healthy_service_is_ready(client: ConformingClient) -> None:
    assert read(client.get("/readyz")) == {"status": "ready", "degraded": []}


def test_the_process_is_healthy_whatever_the_database_does(oms: Oms, hanging: HangingDatabase) -> None:
    client = asking(oms, Readiness(hanging.check, answer_seconds=0.01))
    refused(client.get("/readyz"), 503, "storage_unavailable")
    assert read(client.get("/healthz")) == {"status": "ok"}


def test_a_hanging_database_is_asked_only_once(oms: Oms, hanging: HangingDatabase) -> None:
    clock = Hands()
    client = asking(oms, Readiness(hanging.check, answer_seconds=0.01, clock=clock))
    for _ in range(3):
        refused(client.get("/readyz"), 503, "storage_unavailable")
        clock.now += DEADLINE_SECONDS
    assert hanging.asked.acquire(timeout=DEADLINE_SECONDS)
    assert not hanging.asked.acquire(blocking=False)


def test_who_asks_after_the_time_of_a_check_does_not_wait(hanging: HangingDatabase) -> None:
    clock = Hands()
    readiness = Readiness(hanging.check, answer_seconds=DEADLINE_SECONDS, clock=clock)
    first = threading.Thread(target=readiness.ask, daemon=True)
    first.start()
    assert hanging.asked.acquire(timeout=DEADLINE_SECONDS)
    clock.now += DEADLINE_SECONDS
    with pytest.raises(OmsError, match="does not answer"):
        readiness.ask()  # Would run into the test's own deadline if it waited for the check.
    assert first.is_alive()


def test_who_asks_meanwhile_shares_the_check(hanging: HangingDatabase) -> None:
    readiness = Readiness(hanging.check, answer_seconds=DEADLINE_SECONDS)
    ready: list[bool] = []

    def ask() -> None:
        readiness.ask()
        ready.append(True)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert hanging.asked.acquire(timeout=DEADLINE_SECONDS)
    hanging.go.set()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert ready == [True] * 8
    assert not hanging.asked.acquire(blocking=False)


def test_a_finding_holds_for_a_second() -> None:
    clock = Hands()
    asked = []
    readiness = Readiness(lambda: asked.append(clock.now), clock=clock)
    for seconds in (0, 0.5, 0.4, 0.2, 0.5):
        clock.now += seconds
        readiness.ask()
    assert len(asked) == 2


@pytest.mark.parametrize("code", ["storage_unavailable", "schema_outdated"])
def test_a_service_that_cannot_work_says_so_and_the_log_says_why(
    oms: Oms, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = asking(oms, Readiness(raising(OmsError(code, "why"))))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            problem = refused(client.get("/readyz"), 503, code)
            assert problem["detail"].lower() == problem["title"].lower()
    assert [record.levelname for record in caplog.records if f"{code}: 'why'" in record.message] == ["WARNING"]


def test_a_check_that_breaks_is_logged_and_not_told(oms: Oms, caplog: pytest.LogCaptureFixture) -> None:
    client = asking(oms, Readiness(raising(ZeroDivisionError("secret"))))
    with caplog.at_level(logging.ERROR):
        response = client.get("/readyz")
    refused(response, 500, "internal_error")
    assert b"secret" not in response.data
    assert "ZeroDivisionError: secret" in caplog.text


@pytest.mark.parametrize("error", [OmsError("queue_unavailable", "blocked"), ZeroDivisionError("secret")])
def test_a_broker_that_is_away_degrades_the_service_and_never_stops_it(oms: Oms, error: Exception) -> None:
    client = degraded(oms, Readiness(raising(error)))
    for _ in range(2):
        assert read(client.get("/readyz")) == {"status": "ready", "degraded": ["queue"]}


def test_a_frozen_broker_holds_nobody_up(oms: Oms, hanging: HangingDatabase) -> None:
    clock = Hands()
    client = degraded(oms, Readiness(hanging.check, answer_seconds=0.01, valid_seconds=5, clock=clock))
    for _ in range(3):
        assert read(client.get("/readyz"))["degraded"] == ["queue"]
        clock.now += DEADLINE_SECONDS
    assert hanging.asked.acquire(timeout=DEADLINE_SECONDS)
    assert not hanging.asked.acquire(blocking=False)


def test_everything_that_is_away_is_named(oms: Oms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oms._ports.rate_limiter, "is_degraded", lambda: True)
    client = degraded(oms, Readiness(raising(OmsError("queue_unavailable", "away"))))
    assert read(client.get("/readyz"))["degraded"] == ["queue", "rate_limiter"]


def test_a_process_that_is_stopping_is_not_ready_but_answers(client: ConformingClient) -> None:
    draining = {"oms.draining": True}
    refused(client.get("/readyz", environ_overrides=draining), 503, "stopping")
    assert client.get("/healthz", environ_overrides=draining).status_code == 200
    assert client.get("/v1/orders", environ_overrides=draining).status_code == 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_readiness_works_in_a_child_that_was_forked_during_a_check(hanging: HangingDatabase) -> None:
    readiness = Readiness(hanging.check, answer_seconds=DEADLINE_SECONDS)
    first = threading.Thread(target=readiness.ask, daemon=True)
    first.start()
    assert hanging.asked.acquire(timeout=DEADLINE_SECONDS)

    def ask() -> None:
        hanging.go.set()
        readiness.ask()

    assert status_in_child(ask) == 0
    assert first.is_alive()
    hanging.go.set()
    first.join(DEADLINE_SECONDS)


def test_a_check_that_no_thread_can_make_is_one_answers_failure(client: ConformingClient) -> None:
    with no_thread_to_give():
        for _ in range(2):
            refused(client.get("/readyz"), 503, "overloaded")
        assert client.get("/healthz").status_code == 200
    assert read(client.get("/readyz")) == {"status": "ready", "degraded": []}
