"""A process that is killed in the middle of a batch of requests, and a database that freezes under batches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from socket import socket

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from tests.faults.commit_proxy import PLACING, CommitProxy, Fate
from tests.faults.served_orders import Served, Told, answer_on, order, shop
from tests.services.postgresql import PrivatePostgresql
from tests.services.waiting import wait_until

SECONDS = 60
KEYS = [f"key-{number}" for number in range(60)]
BATCHES = pytest.mark.parametrize("batches", ["on", "off"])


def answer_if_any(connection: socket) -> Told | None:
    with suppress(OSError, HTTPException):
        return answer_on(connection)
    return None


def all_again(served: Served) -> list[Told]:
    """Send all orders with their keys until each is answered well, as their clients would."""
    told: list[Told] = []

    def are_placed() -> bool:
        told[:] = served.ask([order(key) for key in KEYS])
        return {each.status for each in told} == {201}

    with suppress(ConnectionError, HTTPException):
        wait_until(are_placed, SECONDS, "all are placed")
    return told


@BATCHES
@pytest.mark.parametrize("fate", [Fate.COMMIT, Fate.ANSWER])
def test_a_process_killed_at_its_commit_loses_no_answered_order_and_places_none_twice(
    tmp_path: Path, postgresql_url: str, batches: str, fate: Fate
) -> None:
    """Its transaction was lost, or it was there and nobody was told."""
    proxy = CommitProxy(postgresql_url)
    with shop(tmp_path, postgresql_url, on_hand=1_000, seen_at=proxy.url, OMS_HTTP_REQUEST_BATCHES=batches) as served:
        answered = served.ask([order(key) for key in KEYS[:10]])
        worker = served.worker()
        with served.gathering():
            sent = served.send([order(key) for key in KEYS[10:]])
            proxy.lose_next(fate, of=PLACING, then=worker.kill)
        assert proxy.met.wait(SECONDS)
        told = [answer_if_any(connection) for connection in sent]
        assert None in told, "the process was killed too late"
        placed, answers = served.sold(), 10 + sum(each is not None for each in told)
        assert placed > answers if fate is Fate.ANSWER else placed == answers
        wait_until(lambda: served.worker() != worker, SECONDS, "another process answers")
        again = all_again(served)
        known = [*answered, *told]
        assert [each.document["id"] for each, old in zip(again, known, strict=True) if old] == [
            old.document["id"] for old in known if old
        ]
        assert sum(each.replayed for each in again) == placed
        assert len({each.document["id"] for each in again}) == served.sold() == len(KEYS)
    proxy.close()


@BATCHES
def test_a_frozen_database_costs_refusals_and_no_restart(
    tmp_path: Path, private_postgresql: Callable[[], PrivatePostgresql], batches: str
) -> None:
    database = private_postgresql()
    head = psutil.Process(database.pid)
    bounds = {"OMS_STATEMENT_TIMEOUT_SECONDS": "1", "OMS_STORAGE_DEADLINE_SECONDS": "2"}
    with shop(tmp_path, database.url, on_hand=1_000, OMS_HTTP_REQUEST_BATCHES=batches, **bounds) as served:
        answered = served.ask([order(key) for key in KEYS[:10]])
        worker = served.worker()
        family = [head, *head.children(recursive=True)]
        for process in family:
            process.suspend()
        told = served.ask([order(key) for key in KEYS[10:]])
        assert {each.status for each in told} == {503}
        assert {each.code for each in told} <= {"storage_unavailable", "outcome_unknown"}
        for process in family:
            process.resume()
        again = all_again(served)
        assert [each.document["id"] for each in again[:10]] == [each.document["id"] for each in answered]
        assert len({each.document["id"] for each in again}) == served.sold() == len(KEYS)
        assert served.worker() == worker
