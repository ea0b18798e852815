"""Class Oms: its parts start nothing, keep within bounds, and refuse once it is closed, when no thread is left."""

from __future__ import annotations

import inspect
import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from oms_contracts.concurrency import run_together

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, PlaceOrder, SetStock, Settings
from oms_core.runtime.parts import part
from oms_core.use_cases.orders.intake import Intake
from tests.services.threads import SECONDS, status_in_child
from tests.services.waiting import wait_until
from tests.surface import PARTS

CALLER = Caller(name="program", scopes=ALL_SCOPES)
WANTED = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)])
MEMORY = Settings(database_url="memory://")

MADE = [name for name, made in vars(Oms).items() if isinstance(made, part)]
# Every way to what a closed system refuses: its parts, and the methods of its own that use one.
USES: dict[str, Callable[[Oms], object]] = {
    **{name: attrgetter(name) for name in MADE},
    "authenticate": lambda oms: oms.authenticate("oms_" + "x" * 40),
    "audit": lambda oms: oms.audit(caller=CALLER),
    "run_worker": lambda oms: oms.run_worker(threading.Event()),
    "run_event_relay": lambda oms: oms.run_event_relay(threading.Event()),
    "start_worker": lambda oms: oms.start_worker(),
    "start_queue_report": lambda oms: oms.start_queue_report(),
}
COLLABORATORS_MAX = 5
METHODS_MAX = 15
LINES_MAX = 300


def open_stocked(settings: Settings = MEMORY) -> Oms:
    oms = Oms.open(settings)
    oms.stock.set(SetStock(sku="WIDGET", on_hand=1_000), caller=CALLER)
    return oms


@pytest.fixture
def started() -> Callable[[], list[str]]:
    """Name the threads that are there and were not when the test began."""
    before = set(threading.enumerate())
    return lambda: [thread.name for thread in threading.enumerate() if thread not in before]


def assert_refused(work: Callable[[], object]) -> None:
    with pytest.raises(OmsError, match="the service is stopping") as caught:
        work()
    assert (caught.value.code, caught.value.retry_after_seconds) == ("overloaded", 1)


def test_the_parts_are_those_of_the_surface_and_the_schema() -> None:
    assert [name for name in MADE if name[0] != "_"] == [*(name for name in PARTS if "." not in name), "schema"]


@pytest.mark.parametrize("name", MADE)
def test_threads_that_ask_for_a_part_at_once_get_one_object(name: str) -> None:
    with Oms.open(MEMORY) as oms:
        assert len({id(made) for made in run_together([lambda: getattr(oms, name)] * 16)}) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_places_orders_that_was_forked_while_a_thread_made_what_places_them() -> None:
    is_making, may_go_on = threading.Event(), threading.Event()

    class SlowOms(Oms):
        @part
        def _intake(self) -> Intake:
            if not is_making.is_set():
                is_making.set()
                assert may_go_on.wait(SECONDS)
            return Oms._intake.__wrapped__(self)

    oms = SlowOms.open(MEMORY)
    oms.stock.set(SetStock(sku="WIDGET", on_hand=1_000), caller=CALLER)
    asking = threading.Thread(target=lambda: oms.orders.place(WANTED, caller=CALLER))
    asking.start()
    assert is_making.wait(SECONDS)
    try:
        assert status_in_child(lambda: oms.orders.place(WANTED, caller=CALLER)) == 0
    finally:
        may_go_on.set()
        asking.join()
    assert oms.stock.get("WIDGET", caller=CALLER).reserved == 1, "the child has a copy of what is in memory"
    oms.close()


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(
    "settings",
    [
        MEMORY,
        Settings(database_url="sqlite:////no/such/folder/oms.db"),
        Settings(database_url="postgresql://127.0.0.1:1/oms", queue_url="amqp://127.0.0.1:1"),
        Settings(database_url="memory://", rate_limits="orders.place=5/second", rate_limit_url="redis://127.0.0.1:1"),
    ],
    ids=["memory", "no folder", "no server", "no redis"],
)
def test_making_a_part_starts_no_thread_and_connects_to_nothing(
    settings: Settings, name: str, started: Callable[[], list[str]]
) -> None:
    with Oms.open(settings) as oms:
        getattr(oms, name)
        assert not started()


def test_making_all_parts_makes_no_database(tmp_path: Path) -> None:
    with Oms.open(Settings(database_url=f"sqlite:///{tmp_path}/oms.db")) as oms:
        for name in MADE:
            getattr(oms, name)
        assert not list(tmp_path.iterdir())
        assert not oms.api_keys.any()
        assert list(tmp_path.iterdir()), "its first use does"


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("is_made", [True, False], ids=["used before", "never asked for"])
def test_a_closed_system_refuses(name: str, started: Callable[[], list[str]], *, is_made: bool) -> None:
    oms = Oms.open(MEMORY)
    if is_made:
        for part_name in MADE:
            getattr(oms, part_name)
    oms.close()
    assert_refused(lambda: USES[name](oms))
    assert not started()


@pytest.mark.parametrize("settings", [MEMORY, replace(MEMORY, group_commit=False)], ids=["group commit", "one by one"])
def test_no_thread_stays_after_a_closed_system_did_everything(
    settings: Settings, started: Callable[[], list[str]]
) -> None:
    oms = open_stocked(settings)
    oms.start_worker()
    oms.orders.place(WANTED, caller=CALLER)
    accepted = oms.orders.accept(WANTED, caller=CALLER).order
    assert oms.orders.wait(accepted.id, caller=CALLER, timeout_seconds=SECONDS)
    oms.queue.status(caller=CALLER)
    oms.close()
    wait_until(lambda: not started(), SECONDS, "whoever looked for the outcome has seen it")
    assert_refused(lambda: oms.orders.place(WANTED, caller=CALLER))
    assert_refused(lambda: oms.orders.accept(WANTED, caller=CALLER))


def test_orders_that_were_got_before_place_none_afterwards_and_start_nothing(started: Callable[[], list[str]]) -> None:
    oms = open_stocked()
    orders = oms.orders
    oms.close()
    for place in (orders.place, orders.accept):
        assert_refused(partial(place, WANTED, caller=CALLER))
    assert not started()


def test_threads_that_go_on_while_it_is_closed_are_refused_and_leave_no_thread(
    started: Callable[[], list[str]],
) -> None:
    oms = open_stocked()
    is_placing = threading.Semaphore(0)

    def place_on() -> str:
        try:
            while True:
                oms.orders.place(WANTED, caller=CALLER)
                oms.orders.accept(WANTED, caller=CALLER)
                is_placing.release()
        except OmsError as error:
            return f"{error}"

    def close() -> str:
        for _ in range(20):
            assert is_placing.acquire(timeout=SECONDS)
        oms.close()
        return "closed"

    assert set(run_together([close] + [place_on] * 8)) == {"closed", "overloaded: the service is stopping"}
    assert not [name for name in started() if name.startswith("oms-")]


def test_everything_is_closed_also_where_closing_some_of_it_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    oms = open_stocked()
    oms.orders.place(WANTED, caller=CALLER)
    closed: list[str] = []

    def note(name: str) -> None:
        closed.append(name)
        raise RuntimeError(name)

    made = {"intake": oms._intake, **{name: getattr(oms._ports, name) for name in ("broker", "storage")}}
    with monkeypatch.context() as patch:
        for name, closable in made.items():
            patch.setattr(closable, "close", partial(note, name))
        with pytest.raises(RuntimeError):
            oms.close()
    assert closed == ["intake", "broker", "storage"]
    made["intake"].close()


def test_a_part_that_fails_to_close_leaves_the_others_closed(
    monkeypatch: pytest.MonkeyPatch, started: Callable[[], list[str]]
) -> None:
    oms = open_stocked()
    oms.start_worker()
    oms.orders.place(WANTED, caller=CALLER)
    assert oms._workers
    close = oms._workers.close

    def close_and_fail() -> None:
        close()
        raise RuntimeError("cannot be closed")

    monkeypatch.setattr(oms._workers, "close", close_and_fail)
    with pytest.raises(RuntimeError, match="cannot be closed"):
        oms.close()
    assert not started()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"database_url": "nosuch://x"}, "OMS_DATABASE_URL: nothing installed serves nosuch://"),
        ({"database_url": "oms.db"}, "OMS_DATABASE_URL must be a URL"),
        ({"database_url": "sqlite://"}, "OMS_DATABASE_URL"),
        ({"queue_url": "nosuch://x"}, "OMS_QUEUE_URL: nothing installed serves nosuch://"),
        ({"rate_limit_url": "nosuch://x"}, "OMS_RATE_LIMIT_URL: nothing installed serves nosuch://"),
        (
            {"rate_limit_url": "nosuch://x", "rate_limits": "orders.place=5/second"},
            "OMS_RATE_LIMIT_URL: nothing installed serves nosuch://",
        ),
    ],
)
def test_a_wrong_url_is_an_error_of_opening(given: dict[str, Any], said: str) -> None:
    with pytest.raises(OmsError, match=said) as caught:
        Oms.open(Settings(**{"database_url": "memory://"} | given))
    assert caught.value.code == "invalid_setting"


@pytest.mark.parametrize("name", PARTS)
def test_a_part_keeps_within_the_bounds(name: str) -> None:
    made = PARTS[name]
    assert len(fields(made)) <= COLLABORATORS_MAX
    assert sum(name[0] != "_" for name, it in vars(made).items() if inspect.isfunction(it)) <= METHODS_MAX
    assert len(inspect.getsource(inspect.getmodule(made)).splitlines()) <= LINES_MAX  # type: ignore[arg-type]


def test_closing_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    oms = open_stocked()
    oms.orders.place(WANTED, caller=CALLER)
    oms.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
