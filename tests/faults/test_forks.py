"""Forked children: whatever has a lock begins anew in them, whoever held it when the process was forked."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from oms_peewee.pool import Pool
from oms_peewee.retry_deadline import RetryDeadline

from oms_core import ALL_SCOPES, Caller, Oms, OrderLine, PlaceOrder, Settings
from oms_core.runtime import forks
from oms_core.runtime.forks import begin_in_children, begin_in_each_process
from tests.faults.locks import LOCKED, Locked, Usable, check, key_cache
from tests.services.threads import held_elsewhere, status_in_child

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")

SECONDS = 20.0
CALLER = Caller(name="forker", scopes=ALL_SCOPES)


class Begun:
    """Counts its beginnings."""

    def __init__(self) -> None:
        self.times = 0
        begin_in_each_process(self.begin)

    def begin(self) -> None:
        self.times += 1


def test_an_object_begins_once_in_each_process_and_in_a_childs_children() -> None:
    begun = Begun()
    assert begun.times == 1
    assert status_in_child(lambda: check(begun.times == 2)) == 0
    assert status_in_child(lambda: check(status_in_child(lambda: check(begun.times == 3)) == 0)) == 0
    assert begun.times == 1, "in the parent nothing happened"


def test_an_object_that_is_gone_is_forgotten() -> None:
    gc.collect()
    before = len(forks._beginnings)
    begun = [Begun() for _ in range(1_000)]
    assert len(forks._beginnings) == before + 1_000
    del begun
    gc.collect()
    assert len(forks._beginnings) <= before


def test_only_children_begin_what_is_to_begin_in_children() -> None:
    begun = Begun.__new__(Begun)
    begun.times = 0
    begin_in_children(begun.begin)
    assert begun.times == 0
    assert status_in_child(lambda: check(begun.times == 1)) == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("make", LOCKED)
def test_a_child_works_that_was_forked_while_a_thread_of_its_parent_held_the_lock(make: Callable[[], Locked]) -> None:
    locked = make()
    with held_elsewhere(locked.lock):
        assert status_in_child(locked.use) == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_without_a_beginning_in_the_child_it_would_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = key_cache()
    monkeypatch.setattr(forks, "_beginnings", {})
    with held_elsewhere(locked.lock):
        assert status_in_child(locked.use, seconds=0.3) == -9


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_neither_lends_nor_closes_its_parents_connections() -> None:
    pool: Pool = Pool(1)
    connections: list[Any] = []

    def connect() -> Usable:
        connections.append(Usable())
        return connections[-1]

    def lend() -> None:
        with pool.lend(RetryDeadline(SECONDS), connect):
            pass

    lend()
    assert status_in_child(lambda: (lend(), check(len(connections) == 2))) == 0
    lend()
    assert len(connections) == 1


def test_threads_that_use_an_object_during_forks_do_not_disturb_them() -> None:
    oms = Oms.open(Settings(database_url="memory://"))
    ended = threading.Event()
    order = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="NONE", quantity=1)])

    def buy() -> None:
        with pytest.raises(Exception, match="NONE"):
            oms.orders.place(order, caller=CALLER)

    def buy_on() -> None:
        while not ended.is_set():
            buy()

    thread = threading.Thread(target=buy_on)
    thread.start()
    try:
        assert [status_in_child(buy) for _ in range(20)] == [0] * 20
    finally:
        ended.set()
        thread.join()
        oms.close()
