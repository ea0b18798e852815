"""A primary with a hot standby, and a shop that reads its lists there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oms_core import ALL_SCOPES, Caller, Oms, OrderLine, PlaceOrder, SetStock, Settings
from oms_core.bootstrap import open_ports
from tests.memory_replica import ReplicaMetrics
from tests.services.plugin import do_without
from tests.services.postgresql import PrivatePostgresql, connected
from tests.services.run import Run
from tests.services.unusable import ServerUnusable
from tests.services.waiting import wait_until

CALLER = Caller(name="clerk", scopes=ALL_SCOPES)
SECONDS = 30.0
BOUND_SECONDS = 4
_CAUGHT_UP = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"


class Servers:
    """A primary and its standby."""

    def __init__(self, run: Run) -> None:
        self.primary = PrivatePostgresql(run)
        self.standby = PrivatePostgresql(run, standby_of=self.primary)

    def start(self) -> None:
        self.primary.start()
        self.standby.start()

    def discard(self) -> None:
        self.standby.discard()
        self.primary.discard()

    def tell_primary(self, sql: str) -> object:
        return _ask(self.primary.url, sql)

    def tell_standby(self, sql: str) -> object:
        return _ask(self.standby.url, sql)

    def catch_up(self) -> None:
        """Wait until the standby shows what the primary has now."""
        place = self.tell_primary("SELECT pg_current_wal_lsn()")
        wait_until(lambda: self.tell_standby(_CAUGHT_UP.replace("%s", f"'{place}'")), SECONDS, "the standby follows")


class ReplicaShop:
    """A system over the servers, with its metrics."""

    def __init__(self, servers: Servers, *, read_url: str = "", lag_seconds_max: int = BOUND_SECONDS) -> None:
        self.metrics = ReplicaMetrics()
        settings = Settings(
            database_url=servers.primary.url,
            database_read_url=read_url or servers.standby.url,
            replica_lag_seconds_max=lag_seconds_max,
            group_commit=False,
        )
        self.oms = Oms(settings=settings, ports=open_ports(settings, metrics=self.metrics))

    def place(self) -> object:
        command = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)])
        return self.oms.orders.place(command, caller=CALLER).order.id

    def newest(self) -> tuple[object, float | None]:
        """List the newest order; return its id, and how old the list may be."""
        page = self.oms.orders.list(caller=CALLER, limit=1)
        return page.items[0].id if page.items else None, page.replica_lag_seconds

    def lag(self) -> float | None:
        return self.newest()[1]

    def is_read_on_the_replica(self) -> bool:
        return self.lag() is not None


def _ask(url: str, sql: str) -> object:
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()[0][0] if cursor.description else None


@pytest.fixture(scope="module")
def servers(test_run: Run) -> Iterator[Servers]:
    try:
        servers = Servers(test_run)
        servers.start()
    except ServerUnusable as error:
        do_without(f"NO STANDBY OF POSTGRESQL: {error}")
    with Oms.open(Settings(database_url=servers.primary.url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="WIDGET", on_hand=1_000_000), caller=CALLER)
    servers.catch_up()
    yield servers
    servers.discard()


@pytest.fixture
def shop(servers: Servers) -> Iterator[ReplicaShop]:
    servers.tell_standby("SELECT pg_wal_replay_resume()")
    servers.catch_up()
    shop = ReplicaShop(servers)
    yield shop
    shop.oms.close()
