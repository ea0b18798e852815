"""What one caller has of a process at once, and how many heavy requests run in it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import RawIOBase
from typing import Any

import pytest
from werkzeug.test import create_environ

from oms_core import Oms, OmsError, Settings
from oms_http.edge.bulkheads import HEAVY_MAX, WAITING_MAX, Bulkhead, Bulkheads, CallerPlaces
from oms_http.operations import operations_of
from oms_http.requests import Request
from oms_http.server.early_refusals import RefusedError
from oms_http.server.stores import MemoryBudget, SpoolDirectory
from oms_http.settings import HttpSettings
from tests.http.asking import refused
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming
from tests.http.test_callers import bearing, key_of
from tests.services.waiting import wait_until

DEADLINE_SECONDS = 20


@contextmanager
def refused_with(code: str) -> Iterator[None]:
    with pytest.raises(OmsError) as caught:
        yield
    assert caught.value.code == code
    if code == "concurrency_limited":
        assert caught.value.retry_after_seconds


def test_a_caller_has_so_many_places_and_gets_them_back_whatever_happens() -> None:
    places = CallerPlaces(2)
    with places.place("a"), places.place("a"), places.place("b"):
        assert entering(places) == "concurrency_limited"
    with pytest.raises(ZeroDivisionError), places.place("a"):
        raise ZeroDivisionError
    with places.place("a"), places.place("a"):
        pass


def test_a_place_that_another_thread_gave_back_is_not_given_back_once_more() -> None:
    places = CallerPlaces(2)
    with places.place("a"):
        with places.place("a") as place:
            place.give_back()
            with places.place("a"):
                assert entering(places) == "concurrency_limited"
        with places.place("a"):
            assert entering(places) == "concurrency_limited"


def test_without_keys_one_caller_may_have_all_that_a_process_takes_on() -> None:
    """Its orders share a thread, so that they are more than threads."""
    settings = HttpSettings(http_threads=2, http_in_flight_max=5)
    places = Bulkheads.of(settings, has_api_keys=False).callers
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(places.place("a"))
        assert entering(places) == "concurrency_limited"


def bulkhead(*, places: int = 2, per_caller: int = 1, waiting_max: int = 0, wait_seconds: float = 0) -> Bulkhead:
    return Bulkhead(places=places, per_caller=per_caller, waiting_max=waiting_max, wait_seconds=wait_seconds)


def test_one_caller_leaves_the_others_their_places() -> None:
    heavy = bulkhead()
    with heavy.place("greedy"):
        with refused_with("concurrency_limited"), heavy.place("greedy"):
            pass
        with heavy.place("other"), refused_with("overloaded"), heavy.place("third"):
            pass
    with heavy.place("greedy"):
        pass


def test_some_of_a_caller_wait_for_their_turn_and_the_rest_are_refused_at_once() -> None:
    heavy = bulkhead(waiting_max=1, wait_seconds=DEADLINE_SECONDS)
    ended: list[str | None] = []
    threads = [threading.Thread(target=lambda: ended.append(entering(heavy)), daemon=True) for _ in range(2)]
    with heavy.place("a"):
        for thread in threads:
            thread.start()
        wait_until(lambda: ended == ["concurrency_limited"], DEADLINE_SECONDS, "one is refused while one waits")
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert ended == ["concurrency_limited", None]


def entering(compartment: Bulkhead | CallerPlaces) -> str | None:
    try:
        with compartment.place("a"):
            return None
    except OmsError as error:
        return error.code


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_begins_with_every_place_free() -> None:
    heavy, places = bulkhead(), CallerPlaces(1)
    with heavy.place("a"), places.place("a"):
        child = os.fork()
        if child == 0:
            os._exit(entering(heavy) is not None or entering(places) is not None)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_who_waits_in_vain_is_told_whose_fault_it_is() -> None:
    heavy = bulkhead(places=1, waiting_max=1)
    with heavy.place("a"):
        assert entering(heavy) == "concurrency_limited"
        with refused_with("overloaded"), heavy.place("b"):
            pass


@pytest.mark.parametrize(
    ("given", "places"), [({}, 64), ({"http_caller_in_flight_max": 3}, 3), ({"http_threads": 2}, 1)]
)
def test_a_caller_has_a_quarter_of_the_threads_where_keys_are_in_force(given: Any, places: int) -> None:
    callers = Bulkheads.of(HttpSettings(**given), has_api_keys=True).callers
    with ExitStack() as held:
        for _ in range(places):
            held.enter_context(callers.place("a"))
        with refused_with("concurrency_limited"), callers.place("a"):
            pass


def test_without_keys_nobody_is_bounded_alone() -> None:
    bulkheads = Bulkheads.of(HttpSettings(http_caller_in_flight_max=1), has_api_keys=False)
    with ExitStack() as held:
        for _ in range(HttpSettings().http_threads):
            held.enter_context(bulkheads.callers.place("a"))
        for _ in range(HEAVY_MAX):
            held.enter_context(bulkheads.heavy.place("a"))


def test_a_quarter_of_the_memory_for_bodies_is_one_callers() -> None:
    budget = MemoryBudget(100)
    first = budget.open_store(owner="a", length=20)
    with pytest.raises(RefusedError, match="of this caller"):
        budget.open_store(owner="a", length=6)
    budget.open_store(owner="a", length=5).close()
    budget.open_store(owner="b", length=80)
    with pytest.raises(RefusedError, match="no room"):
        budget.open_store(owner=None, length=1)
    first.close()
    budget.open_store(owner=None, length=20)


def test_one_body_is_taken_however_large_where_its_caller_has_no_other() -> None:
    budget = MemoryBudget(100)
    budget.open_store(owner="a", length=100).close()
    budget.open_store(owner="a", length=100).close()


def test_a_quarter_of_the_spools_is_one_callers() -> None:
    spools = SpoolDirectory(places=8, directory=None)
    held = [spools.open_store(owner="a") for _ in range(2)]
    with pytest.raises(RefusedError, match="of this caller"):
        spools.open_store(owner="a")
    held += [spools.open_store(owner=None) for _ in range(6)]
    with pytest.raises(RefusedError, match="no room"):
        spools.open_store(owner="b")
    for store in held:
        store.close()
    spools.open_store(owner="b").close()
    spools.close()


class Held(RawIOBase):
    """A body that does not come before it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.go = threading.Event()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.asked.release()
        assert self.go.wait(DEADLINE_SECONDS)
        return 0


@pytest.fixture
def keyed() -> Iterator[tuple[ConformingClient, dict[str, dict[str, str]]]]:
    with Oms.open(Settings(database_url="memory://", auth="keys", rate_limits="off")) as oms:
        keys = {name: bearing(key_of(oms, name)) for name in ("a", "b")}
        yield client_of(conforming(oms, HttpSettings(http_threads=32))), keys


def test_a_callers_heavy_requests_take_turns_and_anothers_is_answered_beside_them(
    keyed: tuple[ConformingClient, dict[str, dict[str, str]]],
) -> None:
    client, keys = keyed
    body, answers = Held(), []
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": "10"}

    def send_batch() -> None:
        sender = client.application.test_client()
        sent = {"headers": keys["a"], "content_type": "application/json", "environ_overrides": environ}
        answers.append(sender.post("/v1/orders/batch", **sent))

    threads = [threading.Thread(target=send_batch, daemon=True) for _ in range(2 + WAITING_MAX)]
    try:
        for thread in threads:
            thread.start()
        assert body.asked.acquire(timeout=DEADLINE_SECONDS)
        wait_until(lambda: answers, DEADLINE_SECONDS, "one is one too many")
        assert refused(answers[0], 429, "concurrency_limited")
        assert answers[0].headers["Retry-After"]
        assert not body.asked.acquire(blocking=False), "of those that wait nothing is read"
        assert client.get("/v1/orders?limit=500", headers=keys["b"]).status_code == 200
        assert client.get("/v1/orders?limit=100", headers=keys["a"]).status_code == 200
    finally:
        body.go.set()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert [answer.status_code for answer in answers[1:]] == [400] * (1 + WAITING_MAX)
    assert client.get("/v1/orders?limit=101", headers=keys["a"]).status_code == 200


def asked(path: str, **environ: str) -> Request:
    """Make a request as the guard has read it when it chooses a bulkhead."""
    request = Request(create_environ(path) | environ)
    request.parameters = {name: int(value) for name, value in request.args.items()}
    return request


@pytest.mark.parametrize(
    ("operation_id", "request_", "kind"),
    [
        ("listOrders", asked("/v1/orders?limit=101"), "heavy"),
        ("listOrders", asked("/v1/orders?limit=100"), None),
        ("listOrders", asked("/v1/orders"), None),
        ("placeOrder", asked("/v1/orders", CONTENT_LENGTH="65537"), "heavy"),
        ("placeOrder", asked("/v1/orders", CONTENT_LENGTH="65536"), None),
        ("placeOrder", asked("/v1/orders", HTTP_TRANSFER_ENCODING="chunked"), "heavy"),
        ("placeOrders", asked("/v1/orders/batch", CONTENT_LENGTH="2"), "heavy"),
        ("importStock", asked("/v1/inventory/import", CONTENT_LENGTH="2"), "files"),
        ("importOrders", asked("/v1/orders/import", CONTENT_LENGTH="2"), "files"),
        ("exportOrders", asked("/v1/orders/export"), "files"),
        ("exportStock", asked("/v1/inventory/export"), "files"),
    ],
)
def test_batches_large_bodies_and_large_pages_are_heavy(operation_id: str, request_: Request, kind: str | None) -> None:
    (operation,) = (each for each in operations_of(HttpSettings()) if each.id == operation_id)
    bulkheads = Bulkheads.of(HttpSettings(), has_api_keys=False)
    wanted = {"heavy": bulkheads.heavy, "files": bulkheads.files, None: None}[kind]
    assert bulkheads.beside_callers(operation, request_) is wanted
