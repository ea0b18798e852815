"""Waiting for the outcome of an accepted order: `Prefer: respond-async, wait=N`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oms_core import Oms
from tests.http.asking import figures, order, place, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of
from tests.http.queueing import ASYNC, DEADLINE_SECONDS, POISON, WAITING, headers, look, open_poisoned
from tests.services.waiting import wait_until

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.usefixtures("answered_by")


@pytest.fixture(params=["memory", "sqlite"])
def oms(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Oms]:
    """A system without a worker, in which one may wait at a time."""
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/oms.db"}[request.param]
    with open_poisoned(url, waiting_max=3, outcomes_max=1) as opened:
        opened.schema.upgrade()
        yield opened


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def post(app: Flask, prefer: dict[str, str], **members: Any) -> TestResponse:
    return client_of(app).post("/v1/orders", json=order(**members), headers=prefer)


def queued_order(client: ConformingClient) -> dict[str, Any]:
    """Wait until another's order is queued; give it."""
    listed = wait_until(
        lambda: read(client.get("/v1/orders?status=queued"))["items"], DEADLINE_SECONDS, "an order is queued"
    )
    found: dict[str, Any] = listed[0]
    return found


def test_who_waits_is_answered_as_if_the_order_had_been_placed_at_once(
    oms: Oms, app: Flask, client: ConformingClient
) -> None:
    stock(client)
    at_once = place(client)
    oms.start_worker()
    response = post(app, WAITING)
    assert response.status_code == 201
    placed = read(response)
    assert (placed["status"], placed["lines"], "queue" in placed) == ("pending", at_once["lines"], False)
    assert headers(response, "Location", "ETag", "Preference-Applied", "Retry-After") == (
        f"/v1/orders/{placed['id']}",
        '"2"',
        "respond-async, wait=10",
        None,
    )
    assert look(client, placed["id"]) == placed
    assert figures(client) == (10, 2, 8)


def test_an_order_that_is_rejected_while_it_is_waited_for_is_a_conflict_and_stays(
    oms: Oms, app: Flask, client: ConformingClient
) -> None:
    stock(client, on_hand=2)
    oms.start_worker()
    response = post(app, WAITING, quantity=3)
    problem = refused(response, 409, "insufficient_inventory")
    location = f"/v1/orders/{problem['order_id']}"
    assert headers(response, "Location", "Preference-Applied") == (location, "respond-async, wait=10")
    assert "the order stays, rejected" in problem["detail"]
    left = look(client, problem["order_id"])
    assert (left["status"], left["failure"]["code"]) == ("rejected", "insufficient_inventory")
    assert problem["shortages"] == left["failure"]["shortages"] == [{"sku": "WIDGET", "requested": 3, "available": 2}]


def test_an_order_that_fails_while_it_is_waited_for_is_its_failure_and_stays(
    oms: Oms, app: Flask, client: ConformingClient
) -> None:
    stock(client)
    oms.start_worker()
    response = post(app, WAITING, reference=POISON)
    problem = refused(response, 500, "internal_error")
    assert response.headers["Location"] == f"/v1/orders/{problem['order_id']}"
    assert "poison works" not in response.text
    left = look(client, problem["order_id"])
    assert (left["status"], left["attempts"]) == ("failed", 1)
    assert figures(client) == (10, 0, 10)


def test_an_order_that_is_cancelled_while_it_is_waited_for_is_shown_so(
    app: Flask, client: ConformingClient, crowd: ThreadPoolExecutor
) -> None:
    stock(client)
    waiting = crowd.submit(post, app, WAITING)
    client.put(f"/v1/orders/{queued_order(client)['id']}/status", json={"status": "cancelled"})
    response = waiting.result(DEADLINE_SECONDS)
    assert (response.status_code, read(response)["status"]) == (202, "cancelled")


def test_who_waited_long_enough_is_answered_202(app: Flask, client: ConformingClient) -> None:
    stock(client)
    response = post(app, {"Prefer": "respond-async, wait=1"})
    assert (response.status_code, read(response)["queue"]["position"]) == (202, 1)
    assert response.headers["Preference-Applied"] == "respond-async, wait=1"


@pytest.mark.parametrize("prefer", ["respond-async", "respond-async, wait=0"])
def test_who_does_not_wait_is_answered_at_once(oms: Oms, app: Flask, client: ConformingClient, prefer: str) -> None:
    stock(client)
    oms.start_worker()
    response = post(app, {"Prefer": prefer})
    assert (response.status_code, response.headers["Preference-Applied"]) == (202, prefer)


def test_only_so_many_wait_and_the_others_are_answered_202_at_once(
    oms: Oms, app: Flask, client: ConformingClient, crowd: ThreadPoolExecutor
) -> None:
    stock(client)
    both: list[Future[TestResponse]] = [crowd.submit(post, app, WAITING) for _ in range(2)]
    done, waiting = wait(both, timeout=DEADLINE_SECONDS, return_when=FIRST_COMPLETED)
    assert [future.result().status_code for future in done] == [202]
    oms.start_worker()
    (last,) = waiting
    assert last.result(DEADLINE_SECONDS).status_code == 201


@pytest.mark.parametrize(("prefer", "waited"), [(ASYNC, 0), ({}, 0), (WAITING, 1)])
def test_only_a_request_that_waits_says_so_to_its_server(
    oms: Oms, app: Flask, client: ConformingClient, prefer: dict[str, str], waited: int
) -> None:
    seen = waits_of(app)
    stock(client)
    oms.start_worker()
    post(app, prefer)
    assert len(seen) == waited


def waits_of(app: Flask) -> list[str]:
    """Listen, as its server would, for requests that are about to wait; give the list in which they are noted."""
    seen: list[str] = []
    answer = app.wsgi_app

    def listening(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["oms.begin_waiting"] = lambda: seen.append("waits")
        return answer(environ, start_response)

    app.wsgi_app = listening  # type: ignore[method-assign]  # As a server's middleware would.
    return seen


def test_nobody_waits_for_an_order_that_was_accepted_before(app: Flask, client: ConformingClient) -> None:
    seen = waits_of(app)
    stock(client)
    first = post(app, {"Idempotency-Key": "K1", **ASYNC})
    again = post(app, {"Idempotency-Key": "K1", "Prefer": "respond-async, wait=1"})
    assert (again.status_code, read(again)["id"]) == (202, read(first)["id"])
    assert seen == []
