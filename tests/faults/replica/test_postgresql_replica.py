"""Lists on a hot standby: as old as they say at most, and the primary's where the standby is late, away or another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from oms_contracts.concurrency import run_together

from oms_core import Oms, Settings
from tests.faults.replica.conftest import BOUND_SECONDS, CALLER, SECONDS, ReplicaShop, Servers
from tests.services.waiting import wait_until

# A list that is read from the primary because the replica has gone: no deadline of a storage has passed meanwhile.
SOON_SECONDS = 4.0


def seconds_of(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_lists_exports_and_the_audit_are_read_on_the_standby(shop: ReplicaShop, servers: Servers) -> None:
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read")
    product = shop.oms.stock.list(caller=CALLER)
    ledger = shop.oms.stock.movements("WIDGET", caller=CALLER)
    export = shop.oms.stock.export(caller=CALLER)
    assert [product.sku for product in export] == ["WIDGET"]
    audited = shop.oms.audit(caller=CALLER)
    assert not audited.discrepancies
    lags = [each.replica_lag_seconds for each in (product, ledger, export, audited)]
    assert all(lag is not None and lag <= BOUND_SECONDS for lag in lags)
    assert shop.metrics.reads["replica"] >= 5


def test_an_idle_primary_does_not_make_the_standby_look_old(shop: ReplicaShop, servers: Servers) -> None:
    """The replay time of the last transaction grows while nothing happens; what is shown is still all there is."""
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read")
    old = "SELECT now() - pg_last_xact_replay_timestamp() > interval '5 seconds'"
    wait_until(lambda: servers.tell_standby(old), SECONDS, "nothing has happened for longer than the bound")
    wait_until(lambda: (shop.lag() or BOUND_SECONDS) < 1.0, SECONDS, "it is found to be current")


def test_no_list_is_older_than_it_says_while_orders_are_placed(shop: ReplicaShop) -> None:
    """Orders have numbers of the time when they were answered; a list lacks none that is older than its lag."""
    placed: list[tuple[float, object]] = []
    ends_at = time.monotonic() + 3.0

    def buy() -> None:
        while time.monotonic() < ends_at:
            order_id = shop.place()
            placed.append((time.monotonic(), order_id))

    def check() -> int:
        told = 0
        while time.monotonic() < ends_at:
            asked_at = time.monotonic()
            known = list(placed)
            page = shop.oms.orders.list(caller=CALLER, limit=500)
            if page.replica_lag_seconds is not None:
                told += 1
                shown = {order.id for order in page.items}
                due = [order_id for at, order_id in known if at < asked_at - page.replica_lag_seconds][-100:]
                assert shown >= set(due)
        return told

    with ThreadPoolExecutor(3) as pool:
        buying = pool.submit(buy)
        checks = [pool.submit(check) for _ in range(2)]
        assert all(each.result() for each in checks)
        buying.result()
    assert len(placed) > 10


def test_while_replay_is_paused_a_list_is_stale_within_the_bound_and_then_the_primarys(
    shop: ReplicaShop, servers: Servers
) -> None:
    before = shop.place()
    servers.catch_up()
    wait_until(lambda: shop.newest()[0] == before and shop.lag() is not None, SECONDS, "the replica is read")
    servers.tell_standby("SELECT pg_wal_replay_pause()")
    wait_until(
        lambda: servers.tell_standby("SELECT pg_get_wal_replay_pause_state()") == "paused", SECONDS, "replay is paused"
    )
    newest = shop.place()
    found, lag = shop.newest()
    assert found == before, "the control: the replica shows an old list"
    assert lag is not None
    assert 0.0 < lag <= BOUND_SECONDS
    assert shop.oms.orders.get(newest, caller=CALLER).id == newest  # type: ignore[arg-type]
    wait_until(lambda: shop.newest() == (newest, None), SECONDS, "the primary is asked")
    assert shop.metrics.reads["late"] >= 1
    wait_until(shop.oms.is_replica_degraded, SECONDS, "the service says so")
    shop.oms.check()
    careless = ReplicaShop(servers, lag_seconds_max=3_600)
    careless.oms._databases.watched.watch._current_at = time.monotonic() - 60  # type: ignore[union-attr]
    assert careless.newest()[0] == before, "the control: without the bound the old list is answered for an hour"
    careless.oms.close()
    servers.tell_standby("SELECT pg_wal_replay_resume()")
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read again")
    assert shop.newest()[0] == newest


def test_a_killed_standby_costs_no_list_and_is_read_again_when_it_is_back(shop: ReplicaShop, servers: Servers) -> None:
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read")
    newest = shop.place()
    servers.standby.kill()
    try:
        assert seconds_of(lambda: run_together([shop.newest] * 12)) < SOON_SECONDS
        assert shop.newest() == (newest, None)
        assert seconds_of(shop.newest) < 1.0, "the primary is asked at once"
        assert shop.metrics.reads["failed"] + shop.metrics.reads["away"] >= 1
        assert not shop.oms.audit(caller=CALLER).discrepancies
    finally:
        servers.standby.start()
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read again")


def test_a_standby_that_is_away_at_the_start_stops_nothing(servers: Servers) -> None:
    servers.standby.stop()
    try:
        shop = ReplicaShop(servers)
        shop.oms.check()
        newest = shop.place()
        assert shop.newest() == (newest, None)
    finally:
        servers.standby.start()
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read")
    shop.oms.close()


def test_lists_after_a_standby_froze_are_the_primarys_at_once(shop: ReplicaShop, servers: Servers) -> None:
    """Those that were under way there take as long as a statement may; the others do not wait."""
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read")
    servers.standby.freeze()
    try:
        caught = threading.Thread(target=shop.newest, daemon=True)
        caught.start()
        wait_until(lambda: seconds_of_one(shop) is None, SECONDS, "the primary is asked")
        assert seconds_of(lambda: run_together([shop.newest] * 8)) < SOON_SECONDS
    finally:
        servers.standby.thaw()
    caught.join(SECONDS)
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read again")


def seconds_of_one(shop: ReplicaShop) -> float | None:
    """Tell what the watch says, without a list that would hang too."""
    watched = shop.oms._databases.watched
    assert watched is not None
    return watched.watch.lag_seconds()


@pytest.mark.parametrize("name", ["the primary itself", "another cluster", "another database", "another schema"])
def test_what_is_no_replica_of_the_primary_is_not_read(servers: Servers, postgresql_url: str, name: str) -> None:
    servers.tell_primary("DROP DATABASE IF EXISTS other")
    servers.tell_primary("CREATE DATABASE other")
    servers.catch_up()
    standby, primary = servers.standby.url, servers.primary.url
    url = {
        "the primary itself": f"{primary}?target_session_attrs=any",
        "another cluster": f"{postgresql_url}?target_session_attrs=any",
        "another database": standby.replace("/postgres", "/other"),
        "another schema": f"{standby}?options=-csearch_path%3Dpg_catalog",
    }[name]
    shop = ReplicaShop(servers, read_url=url)
    newest = shop.place()
    assert [shop.newest() for _ in range(3)] == [(newest, None)] * 3
    assert shop.oms.is_replica_degraded()
    shop.oms.close()


def test_a_role_that_may_only_read_is_enough_and_one_that_may_not_is_no_fault_of_the_service(
    shop: ReplicaShop, servers: Servers
) -> None:
    for sql in (
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
    ):
        servers.tell_primary(sql)
    servers.catch_up()
    url = servers.standby.url.replace("postgres@", "reader@")
    reading = ReplicaShop(servers, read_url=url)
    newest = reading.place()
    wait_until(lambda: reading.newest() == (newest, None), SECONDS, "the primary is asked")
    assert reading.metrics.reads["failed"] >= 1
    reading.oms.check()
    servers.tell_primary("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    wait_until(reading.is_read_on_the_replica, SECONDS, "the replica is read")
    reading.oms.close()
    servers.tell_primary("DROP OWNED BY reader")


def test_an_audit_is_ended_by_no_conflict_with_recovery(shop: ReplicaShop, servers: Servers) -> None:
    """The standby cancels what reads a table that the primary has locked; the page is read again, or on the primary."""
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read")
    servers.tell_standby("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    servers.tell_standby("SELECT pg_reload_conf()")
    conflicts = "SELECT sum(confl_lock) FROM pg_stat_database_conflicts"
    ended = threading.Event()

    def lock() -> None:
        while not ended.is_set():
            servers.tell_primary("BEGIN; LOCK TABLE stock_levels, orders IN ACCESS EXCLUSIVE MODE; COMMIT")

    def audit() -> int:
        audits = 0
        while not ended.is_set():
            assert not shop.oms.audit(caller=CALLER).discrepancies
            audits += 1
        return audits

    with ThreadPoolExecutor(5) as pool:
        locking, audits = pool.submit(lock), [pool.submit(audit) for _ in range(4)]
        try:
            wait_until(lambda: servers.tell_standby(conflicts), SECONDS, "an audit was cancelled")
        finally:
            ended.set()
        assert all(each.result() for each in audits)
        locking.result()
    servers.tell_standby("ALTER SYSTEM RESET max_standby_streaming_delay")
    servers.tell_standby("SELECT pg_reload_conf()")


def test_a_mark_of_a_later_history_is_not_reached_until_the_standby_follows_that(
    shop: ReplicaShop, servers: Servers
) -> None:
    """After a failover a standby of the old primary may be further in the log than the new one, in another history."""
    replica = shop.oms._ports.replica
    assert replica is not None
    mark = replica.mark()
    servers.catch_up()
    assert replica.count_reached([mark]) == 1
    timeline, rest = mark.split(" ", 1)
    assert replica.count_reached([mark, f"{timeline}1 {rest}"]) == 1


def test_connections_to_both_are_named(shop: ReplicaShop, servers: Servers) -> None:
    described = shop.oms.describe()
    assert described.replica is not None
    assert servers.standby.url.rpartition("@")[2].partition("/")[0] in described.replica
    assert "at most 9 connections" in described.replica


def test_behind_a_pooler_lists_are_read_on_the_standby_too(servers: Servers) -> None:
    settings = Settings(
        database_url=servers.primary.url, database_read_url=servers.standby.url, prepared_statements=False
    )
    with Oms.open(settings) as oms:
        wait_until(
            lambda: oms.orders.list(caller=CALLER).replica_lag_seconds is not None, SECONDS, "the replica is read"
        )


# It ends the pair, so it is the last.
def test_a_standby_that_was_promoted_is_read_no_more(shop: ReplicaShop, servers: Servers) -> None:
    wait_until(shop.is_read_on_the_replica, SECONDS, "the replica is read")
    assert servers.tell_standby("SELECT pg_promote()")
    wait_until(lambda: not shop.is_read_on_the_replica(), SECONDS, "the primary is asked")
    newest = shop.place()
    assert shop.newest() == (newest, None)
