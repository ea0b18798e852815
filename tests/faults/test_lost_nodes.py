"""A distributed PostgreSQL stays, and loses the node that has the rows: that is a connection lost, and known as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
import pytest
from oms_contracts.storage_contract.shop import Shop, placed
from oms_peewee.faults import Fault
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.error_codes import meaning_of

from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected

LOST = "could not commit transaction for shard 102008 on at least one active node"
SAID: dict[tuple[str, str], Fault] = {
    ("XX000", 'duplicate key value violates unique constraint "order_keys_pkey_102008"'): Fault.TAKEN,
    ("XX000", "failure on connection marked as essential: 10.0.0.2:5432"): Fault.DISCONNECTED,
    ("XX000", LOST): Fault.DISCONNECTED,
    ("XX000", "server closed the connection unexpectedly"): Fault.DISCONNECTED,
    ("XX000", "SSL SYSCALL error: EOF detected"): Fault.DISCONNECTED,
    ("XX000", "could not receive data from server: Connection reset by peer"): Fault.DISCONNECTED,
    ("08006", "connection to the remote node oms@10.0.0.2:5432 failed"): Fault.DISCONNECTED,
    ("0A000", "cached plan must not change result type"): Fault.DISCONNECTED,
    ("0A000", "could not create distributed plan"): Fault.UNUSABLE,
    ("XX000", "no failure on connection marked as essential"): Fault.DEFECT,
}


def raising(sqlstate: str, words: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION '{words}' USING ERRCODE = '{sqlstate}'; END $$"


@pytest.mark.parametrize(("sqlstate", "words"), SAID)
def test_what_a_coordinator_says_of_its_nodes_has_its_meaning(
    postgresql_server: PostgresqlServer, sqlstate: str, words: str
) -> None:
    with connected(postgresql_server.url) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.Error) as caught:
            cursor.execute(raising(sqlstate, words))
        assert meaning_of(caught.value).fault is SAID[sqlstate, words]


@pytest.fixture
def lose_next_commit(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have the next COMMIT done, then call something, and say that the node was lost."""
    execute: Callable[..., Any] = PostgresqlSession._execute
    rivals: list[Callable[[], object]] = []

    def execute_and_lose(session: PostgresqlSession, sql: str, params: Sequence[object] | None) -> Any:
        cursor = execute(session, sql, params)
        if rivals and sql.endswith("COMMIT"):
            rivals.pop()()
            execute(session, raising("XX000", LOST), None)
        return cursor

    monkeypatch.setattr(PostgresqlSession, "_execute", execute_and_lose)
    return rivals.append


def test_stock_is_changed_once_when_the_node_is_lost_after_the_commit(
    shop: Shop, impatient_shop: Shop, lose_next_commit: Callable[[Callable[[], object]], None]
) -> None:
    lose_next_commit(lambda: impatient_shop.adjust("WIDGET", 100))
    shop.adjust("WIDGET", 4)
    assert shop.product("WIDGET").on_hand == 114
    assert len(shop.movements("WIDGET")) == 3
    assert not shop.audit().discrepancies


def test_an_order_is_placed_once_when_the_node_is_lost_after_the_commit(
    shop: Shop, impatient_shop: Shop, lose_next_commit: Callable[[Callable[[], object]], None]
) -> None:
    placement = shop.order(("WIDGET", 6), idempotency_key="K")
    lose_next_commit(lambda: impatient_shop.buy(("WIDGET", 4)))
    (outcome,) = shop.place(placement)
    assert placed(outcome).order.id == placement.id
    assert shop.levels("WIDGET") == {"main": (10, 10)}
    assert not shop.audit().discrepancies
