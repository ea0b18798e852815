"""Memory, SQLite and PostgreSQL live through the same random histories and give the same answers, all of them.

HYPOTHESIS_PROFILE=long tries far more of them, and longer ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from oms_memory import MemoryStorage
from oms_memory.orders import MemoryOrders
from oms_peewee.postgresql import open_postgresql
from oms_peewee.sqlite import open_sqlite

from oms_core.domain.orders.placement import Placement, PlacementOutcome
from oms_core.ports.order_storage import DecidePlacement
from oms_core.ports.storage import Storage, StorageOptions
from tests.adapters.histories import Histories
from tests.adapters.postgresql_databases import empty, migrated_database
from tests.services.databases import PostgresqlServer

# The time of an example says nothing, and an example that grows long is what is wanted.
HISTORIES = settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
SHORT = settings(HISTORIES, max_examples=12, stateful_step_count=30)
LONG = settings(HISTORIES, max_examples=400, stateful_step_count=80)
# Of the many acts few meet what is broken: more histories, which end with the first that does.
REPEATABLE = settings(SHORT, max_examples=100, derandomize=True, database=None, phases=[Phase.generate])


@pytest.fixture(scope="module")
def database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    with migrated_database(postgresql_server) as url:
        yield url


def open_all(url: str, folder: Path, opened: ExitStack) -> list[Storage]:
    """Open an empty storage of each kind."""
    empty(url)
    file = folder / "oms.db"
    for leftover in folder.glob("oms.db*"):
        leftover.unlink()
    sqlite = open_sqlite(f"sqlite:///{file}", StorageOptions())
    postgresql = open_postgresql(url, StorageOptions())
    opened.callback(sqlite.close)
    opened.callback(postgresql.close)
    return [MemoryStorage(), sqlite, postgresql]


def live_through(open_storages: Callable[[ExitStack], Sequence[Storage]], chosen: settings) -> None:
    """Let systems over these storages live through random histories."""
    run_state_machine_as_test(lambda: Histories(open_storages), settings=chosen)  # type: ignore[arg-type]


def test_memory_sqlite_and_postgresql_answer_alike_whatever_happens(database: str, tmp_path: Path) -> None:
    chosen = LONG if os.environ.get("HYPOTHESIS_PROFILE") == "long" else SHORT
    live_through(partial(open_all, database, tmp_path), chosen)


class OneByOne(MemoryOrders):
    """Places the orders of a batch one by one: a level's version grows with each."""

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        return [outcome for placement in placements for outcome in super(OneByOne, self).place([placement], decide)]


def test_a_storage_that_answers_otherwise_is_found_out() -> None:
    def open_two(_: ExitStack) -> list[Storage]:
        broken = MemoryStorage()
        broken.orders = OneByOne(broken.tables)
        return [MemoryStorage(), broken]

    with pytest.raises(AssertionError, match="answers otherwise"):
        live_through(open_two, REPEATABLE)
