"""A PostgreSQL that is frozen: its sockets stay open, and still no caller waits for ever."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop, placed
from oms_peewee.postgresql import engine, open_postgresql, watchdog
from oms_peewee.postgresql.watchdog import Watchdog

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from tests.services import wait_until
from tests.services.postgresql import PrivatePostgresql

STATEMENT_SECONDS = 1.0
DEADLINE_SECONDS = 4.0
PAST_DEADLINE_SECONDS = 8.0
TOLD_SECONDS = 20.0


@pytest.fixture
def server(private_postgresql: Callable[[], PrivatePostgresql], monkeypatch: pytest.MonkeyPatch) -> PrivatePostgresql:
    monkeypatch.setattr(engine, "_ANSWER_MARGIN_SECONDS", 0.5)
    return private_postgresql()


@contextmanager
def frozen(server: PrivatePostgresql) -> Iterator[None]:
    head = psutil.Process(server.pid)
    family = [head, *head.children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            os.kill(process.pid, signal.SIGCONT)


def outcome_of(work: Callable[[], object], told: list[str]) -> None:
    try:
        work()
        told.append("done")
    except OmsError as error:
        told.append(error.code)


def test_a_frozen_server_is_given_up_on_and_used_again_when_it_thaws(server: PrivatePostgresql) -> None:
    shop = open_shop(server)
    told: list[str] = []
    works: list[Callable[[], object]] = [lambda: shop.product("WIDGET"), lambda: shop.place(shop.order(("WIDGET", 1)))]
    with frozen(server):
        callers = [threading.Thread(target=outcome_of, args=(work, told), daemon=True) for work in works]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(TOLD_SECONDS)
        assert told == ["storage_unavailable"] * 2
    wait_until(lambda: is_back(shop), TOLD_SECONDS, "the server is used again")
    assert not shop.audit().discrepancies
    shop.storage.close()


def test_without_the_watchdog_a_caller_waits_until_it_thaws(
    server: PrivatePostgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_shut_down", lambda _: None)
    shop = open_shop(server)
    told: list[str] = []
    caller = threading.Thread(target=outcome_of, args=(lambda: shop.product("WIDGET"), told), daemon=True)
    with frozen(server):
        caller.start()
        caller.join(PAST_DEADLINE_SECONDS)
        assert not told
    caller.join(TOLD_SECONDS)
    assert len(told) == 1
    shop.storage.close()


def open_shop(server: PrivatePostgresql) -> Shop:
    options = StorageOptions(
        statement_timeout_seconds=STATEMENT_SECONDS, deadline_seconds=DEADLINE_SECONDS, connect_timeout_seconds=2
    )
    storage = open_postgresql(server.url, options)
    storage.schema.upgrade()
    shop = new_shop(storage)
    shop.set("WIDGET", 10)
    return shop


def is_back(shop: Shop) -> bool:
    try:
        return bool(placed(shop.place(shop.order(("WIDGET", 1)))[0]))
    except OmsError:
        return False


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_socket_is_shut_down_once_its_time_is_over_and_not_before() -> None:
    clock = Clock()
    dog = Watchdog(10, clock=clock)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        with dog.watch(ours.fileno()):
            clock.now = 9
            assert dog.look()
            with pytest.raises(BlockingIOError):
                theirs.recv(1)
            clock.now = 10
            dog.look()
            assert theirs.recv(1) == b""
        assert not dog.look()


def test_a_socket_whose_statement_is_over_is_left_alone() -> None:
    clock = Clock()
    dog = Watchdog(10, clock=clock)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        with dog.watch(ours.fileno()):
            clock.now = 5
        clock.now = 100
        dog.look()
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
