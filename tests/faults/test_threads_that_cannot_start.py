"""A system that has no thread to give: each failed start costs one call, and the next call works."""

from __future__ import annotations

import logging
import multiprocessing
import resource
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from oms_contracts.clock import BEGINNING
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_limits import open_memory
from oms_limits.memory import MemoryRateLimiter
from oms_memory import MemoryBroker, MemoryStorage
from oms_peewee.faults import TooLateError
from oms_peewee.postgresql.watchdog import Watchdog
from oms_rabbitmq import open_broker as open_rabbitmq

from oms_cli.processes.metrics_listener import MetricsListener
from oms_core import (
    ALL_SCOPES,
    Caller,
    CreateApiKey,
    Oms,
    OmsError,
    OrderLine,
    OrderStatus,
    PlaceOrder,
    Ports,
    SetStock,
    Settings,
)
from oms_core.authentication.last_use import LastUses
from oms_core.domain.import_commands import ImportStock
from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.ports.broker import BrokerOptions
from oms_core.ports.clock import SystemClock
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.rate_limiter import RateLimiterOptions
from oms_core.runtime.announcements import Announcements
from oms_core.runtime.group_committer import GroupCommitter
from oms_core.runtime.outcomes import Outcomes
from oms_core.runtime.queue_watch import QueueWatch
from oms_http.app import create_app
from tests.core.worker.worker_fixtures import Counted, WorkerHarness, tell
from tests.services.threads import no_thread_to_give
from tests.services.waiting import wait_until

SECONDS = 20.0
CALLER = Caller(name="buyer", scopes=ALL_SCOPES)
ORDER = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=1)])
BODY = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}]}


@pytest.fixture
def queue() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
def oms(queue: MemoryBroker) -> Iterator[Oms]:
    """A system whose first order is not placed yet, so that none of its threads has started."""
    settings = Settings(database_url="memory://")
    with Oms(settings=settings, ports=Ports(storage=MemoryStorage(), broker=queue)) as oms:
        oms.stock.set(SetStock(sku="A", on_hand=100), caller=CALLER)
        yield oms


@pytest.fixture
def shop() -> Shop:
    shop = new_shop(MemoryStorage())
    shop.set("A", 10)
    return shop


def refused(work: Callable[[], object]) -> None:
    """Expect a clean refusal, twice: a first failure leaves nothing behind that a second would stumble over."""
    with no_thread_to_give():
        for _ in range(2):
            with pytest.raises(OmsError, match="can start no thread") as caught:
                work()
            assert caught.value.code == "overloaded"


def test_an_order_whose_committer_cannot_start_is_refused_and_the_next_is_placed(oms: Oms) -> None:
    refused(lambda: oms.orders.place(ORDER, caller=CALLER))
    assert not oms.orders.list(caller=CALLER).items
    assert oms.orders.place(ORDER, caller=CALLER).order.status is OrderStatus.PENDING


def test_over_http_it_is_503_and_the_next_is_201(oms: Oms) -> None:
    client = create_app(oms).test_client()
    with no_thread_to_give():
        answer = client.post("/v1/orders", json=BODY)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"
    assert client.post("/v1/orders", json=BODY).status_code == 201


@pytest.mark.parametrize("group_commit", [True, False])
def test_an_accepted_order_is_202_also_where_nobody_can_be_told_of_it(queue: MemoryBroker, group_commit: bool) -> None:
    settings = Settings(database_url="memory://", group_commit=group_commit)
    with Oms(settings=settings, ports=Ports(storage=MemoryStorage(), broker=queue)) as oms:
        oms.stock.set(SetStock(sku="A", on_hand=100), caller=CALLER)
        if group_commit:
            with pytest.raises(OmsError, match="unknown_sku"):  # The committer is running, and nothing to announce.
                oms.orders.accept(PlaceOrder(customer_id="C1", lines=[OrderLine(sku="B", quantity=1)]), caller=CALLER)
        client = create_app(oms).test_client()
        with no_thread_to_give():
            answer = client.post("/v1/orders", json=BODY, headers={"prefer": "respond-async, wait=5"})
        assert answer.status_code == 202
        assert not queue.exchange.waiting
        assert client.post("/v1/orders", json=BODY, headers={"prefer": "respond-async"}).status_code == 202
        wait_until(lambda: queue.exchange.waiting, SECONDS, "the next one is announced")


def test_a_committer_that_could_not_start_holds_nobody_up() -> None:
    committer: GroupCommitter[int, int] = GroupCommitter(list, batch_max=5, waiting_max=1)
    refused(lambda: committer.submit(1))
    assert committer.submit(2) == 2
    committer.close()


def test_what_cannot_be_announced_counts_as_lost_and_the_next_is_announced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue, metrics, shop = MemoryBroker(), Counted(), new_shop(MemoryStorage())
    shop.set("A", 10)
    announcements = Announcements(queue.announcer, metrics)
    ids = [shop.queue_up(("A", 1)).id for _ in range(3)]
    with no_thread_to_give():
        announcements.tell(ids[:2])
    announcements.tell(ids[2:])
    announcements.close()
    assert metrics.counts == {("oms_announcements_total", "lost"): 2, ("oms_announcements_total", "sent"): 1}
    assert "accepted orders are left to the sweep: this process can start no thread now" in caplog.text


def test_who_cannot_be_told_of_an_outcome_is_answered_at_once_and_the_next_waits(shop: Shop) -> None:
    outcomes = Outcomes(shop.storage.queue.settled, waiting_max=1)
    order_id = shop.buy(("A", 1)).id
    with no_thread_to_give():
        for _ in range(3):
            assert outcomes.wait(order_id, timeout_seconds=60) is None
    assert outcomes.wait(order_id, timeout_seconds=SECONDS) is not None


def test_a_use_of_a_key_that_could_not_be_noted_leaves_the_next_to_be_noted() -> None:
    storage = MemoryStorage()
    with Oms(settings=Settings(), ports=Ports(storage=storage)) as oms:
        key = oms.api_keys.create(CreateApiKey(name="shop", scopes=ALL_SCOPES), caller=CALLER).key
    uses = LastUses(storage)
    with no_thread_to_give():
        uses.note(key, BEGINNING)
    uses.note(key, BEGINNING)
    uses.close()
    assert storage.keys.get(key.id).key.last_used_at == BEGINNING


def test_a_key_opens_also_where_its_use_cannot_be_noted(oms: Oms) -> None:
    token = oms.api_keys.create(CreateApiKey(name="shop", scopes=ALL_SCOPES), caller=CALLER).token
    with no_thread_to_give():
        assert oms.authenticate(token).name == "shop"


def test_a_queue_that_cannot_be_looked_at_aside_is_shown_as_it_was_and_looked_at_by_the_next(shop: Shop) -> None:
    now = [100.0]
    watch = QueueWatch(shop.storage, clock=lambda: now[0])
    assert watch.look().sample.depth == 0
    shop.queue_up(("A", 1))
    now[0] += 1.5
    with no_thread_to_give():
        assert watch.look().sample.depth == 0
    wait_until(lambda: watch.look().sample.depth == 1, SECONDS, "another has looked")


def test_a_worker_that_could_not_start_starts_when_it_is_asked_for_again(oms: Oms) -> None:
    refused(oms.start_worker)
    oms.start_worker()
    order = oms.orders.accept(ORDER, caller=CALLER).order
    settled = oms.orders.wait(order.id, caller=CALLER, timeout_seconds=SECONDS)
    assert settled is not None
    assert settled.status is OrderStatus.PENDING


def test_a_system_whose_worker_could_not_start_can_be_closed(oms: Oms) -> None:
    refused(oms.start_worker)
    oms.close()


def test_full_batches_are_settled_one_by_one_where_there_is_no_thread_for_two() -> None:
    harness = WorkerHarness(batch_max=50)
    ids = harness.queue_up(230)
    with no_thread_to_give():
        inbox = harness.work([tell(*ids[start : start + 25]) for start in range(0, 230, 25)])
    assert harness.statuses(ids) == [OrderStatus.PENDING] * 230
    assert [harness.order(order_id).attempts for order_id in ids] == [0] * 230
    assert len(inbox.acknowledged) == 10
    assert len(harness.inboxes) == 1


def test_an_import_is_applied_without_a_thread_of_its_own(oms: Oms) -> None:
    rows = b"sku,quantity\n" + b"".join(b"S%d,7\n" % number for number in range(30))
    with no_thread_to_give():
        report = oms.imports.stock(ImportStock(batch_size=10), BytesIO(rows), caller=CALLER)
    assert report.applied == 30


def test_a_statement_that_nobody_can_watch_is_not_sent_and_the_next_one_is_watched() -> None:
    now = [0.0]
    dog = Watchdog(10, clock=lambda: now[0])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with no_thread_to_give():
            for _ in range(2):
                with pytest.raises(TooLateError), dog.watch(ours.fileno()):
                    pytest.fail("it was sent")
        assert not dog.look()
        with dog.watch(ours.fileno()):
            now[0] = 11
            assert theirs.recv(1) == b"", "the thread looked"


def test_an_inbox_that_could_not_start_starts_at_the_next_take() -> None:
    inbox: Any = open_rabbitmq("amqp://127.0.0.1:1", BrokerOptions(prefix="oms")).inbox()
    refused(lambda: inbox.take(limit=1, timeout_seconds=0))
    assert inbox.take(limit=1, timeout_seconds=0) == []
    assert any(thread.name == "oms-inbox" for thread in threading.enumerate())
    inbox.close()


def test_a_limit_that_cannot_be_counted_is_one_calls_refusal() -> None:
    limiter = open_memory("memory://", RateLimiterOptions(metrics=NoMetrics()))
    limit = RateLimit(policy="orders.place", count=2, window_seconds=60)
    refused(lambda: limiter.take(limit, "a", cost=1))
    assert [limiter.take(limit, "a", cost=1).allowed for _ in range(3)] == [True, True, False]


def test_a_repeated_order_whose_charge_cannot_be_given_back_is_answered_all_the_same() -> None:
    class Fleeting(MemoryRateLimiter):
        def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
            raise OmsError("overloaded", "this process can start no thread now")

    settings = Settings(database_url="memory://", rate_limits="orders.place=10/minute")
    storage, clock = MemoryStorage(), SystemClock()
    with Oms(settings=settings, ports=Ports(storage=storage, clock=clock, rate_limiter=Fleeting())) as oms:
        oms.stock.set(SetStock(sku="A", on_hand=100), caller=CALLER)
        order = replace(ORDER, idempotency_key="k")
        first = oms.orders.place(order, caller=CALLER)
        again = oms.orders.place(order, caller=CALLER)
        assert (again.replayed, again.order) == (True, first.order)


def test_a_listener_gives_its_places_back_when_it_cannot_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("oms_cli.processes.metrics_listener._CONNECTIONS_MAX", 2)
    listener = MetricsListener("127.0.0.1:0")
    refused(listener.start)
    listener.start()
    with no_thread_to_give(), caplog.at_level(logging.WARNING):
        for _ in range(5):
            with pytest.raises(OSError, match=r"."):
                urllib.request.urlopen(listener.url, timeout=SECONDS)
    assert "/metrics was not answered: can't start new thread" in caplog.text
    with urllib.request.urlopen(listener.url, timeout=SECONDS) as answer:
        assert answer.status == 200
    listener._server.shutdown()
    listener._server.server_close()


def sell_at_the_limit(folder: str) -> None:
    """Place an order where a thread's stack finds no memory, and one where it does."""
    with Oms.open(Settings(database_url=f"sqlite:///{folder}/oms.db")) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="A", on_hand=100), caller=CALLER)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**27, resource.RLIM_INFINITY))
        threading.stack_size(2**30)
        with pytest.raises(OmsError, match="can start no thread"):
            oms.orders.place(ORDER, caller=CALLER)
        threading.stack_size(0)
        oms.orders.place(ORDER, caller=CALLER)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="nothing tells how much memory a process has mapped")
def test_at_a_limit_of_the_system_itself_it_is_the_same(tmp_path: Path) -> None:
    child = multiprocessing.get_context("spawn").Process(target=sell_at_the_limit, args=(str(tmp_path),))
    child.start()
    child.join(SECONDS * 3)
    assert child.exitcode == 0
