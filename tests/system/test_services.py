"""The servers that the other tests rely on: which one is taken, and that a private one does what it should."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from tests.services import ServerUnusable, free_port, rabbitmq, redis, wait_until
from tests.services.databases import PostgresqlServer, is_leftover
from tests.services.finding import PRIVATE_VARIABLE, Finding, How, Service, find, services
from tests.services.plugin import do_without
from tests.services.postgresql import (
    Binaries,
    PrivatePostgresql,
    binaries_of_wheel,
    check,
    connected,
    installed_binaries,
)
from tests.services.processes import PrivateServer
from tests.services.run import Run
from tests.services.waiting import DeadlinePassed

EVERY_SERVICE = pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
HERE, THERE = "redis://here:1", "redis://there:2"


def refuse(_: str) -> None:
    raise ServerUnusable("nobody at home")


def made_service(**changes: Any) -> Service:
    """A service that always answers and could be started."""
    usable = Service(
        name="Made",
        variable="OMS_TEST_MADE_URL",
        standard_urls=[HERE],
        check=lambda _: None,
        programs=lambda: "made-server",
        private=redis.private_redis,
    )
    return replace(usable, **changes)


def test_the_named_server_comes_first() -> None:
    found = find(made_service(), {"OMS_TEST_MADE_URL": THERE, PRIVATE_VARIABLE: "1"})
    assert (found.how, found.url) == (How.NAMED, THERE)


@EVERY_SERVICE
def test_a_named_server_that_does_not_answer_is_an_error(service: Service) -> None:
    nowhere = re.sub(r"(?<=:)(5432|5672|6379|4222)", "1", service.standard_urls[0])
    with pytest.raises(ServerUnusable, match=f"^{service.variable} names a server that cannot be used: "):
        find(service, {service.variable: nowhere})


def test_the_server_at_the_standard_address_comes_second() -> None:
    found = find(made_service(standard_urls=[THERE, HERE]), {})
    assert (found.how, found.url) == (How.STANDARD, THERE)


def test_servers_at_the_standard_address_can_be_left_alone() -> None:
    assert find(made_service(), {PRIVATE_VARIABLE: "1"}).how is How.PRIVATE


@EVERY_SERVICE
def test_where_nothing_answers_a_private_server_comes_third(service: Service, test_run: Run) -> None:
    found = find(replace(service, standard_urls=[]), {})
    if found.how is How.NONE:
        do_without(found.reason)
    assert found.how is How.PRIVATE
    server = service.private(test_run)
    try:
        goes_through_its_life(service, server)
    finally:
        server.stop()


@pytest.mark.parametrize("source", [binaries_of_wheel, installed_binaries])
def test_postgresql_starts_from_the_wheel_and_from_installed_programs(
    source: Callable[[], Binaries | None], test_run: Run
) -> None:
    try:
        programs = source()
    except ServerUnusable as error:
        do_without(str(error))
    assert programs, "the wheel is in the lock"
    server = PrivatePostgresql(test_run, programs)
    server.start()
    check(server.url)
    server.discard()


def goes_through_its_life(service: Service, server: PrivateServer) -> None:
    for end in (server.stop, server.kill):
        server.start()
        service.check(server.url)
        end()
        with pytest.raises(ServerUnusable):
            service.check(server.url)
    server.start()
    service.check(server.url)


def test_where_nothing_can_be_had_the_reasons_are_told() -> None:
    found = find(made_service(check=refuse, programs=lambda: refuse("")), {})
    assert found == Finding(service="Made", how=How.NONE, reason="nobody at home; nobody at home")


def test_a_password_is_not_printed() -> None:
    found = find(made_service(), {"OMS_TEST_MADE_URL": "redis://ann:secret@there:2"})
    assert "secret" not in found.describe()


def test_a_broker_that_refuses_the_password_is_not_usable(rabbitmq_url: str) -> None:
    wrong = rabbitmq_url.replace("//guest:guest@", "//guest:wrong@")
    with pytest.raises(ServerUnusable, match="refuses the user guest"):
        rabbitmq.check(wrong)


def test_another_kind_of_server_is_not_taken_for_a_broker(postgresql_server: PostgresqlServer) -> None:
    with pytest.raises(ServerUnusable, match="does not speak AMQP"):
        rabbitmq.check(postgresql_server.url.replace("postgresql://", "amqp://"))


def test_another_kind_of_server_is_not_taken_for_redis(rabbitmq_url: str) -> None:
    address = rabbitmq_url.rpartition("@")[2]
    with pytest.raises(ServerUnusable, match="PING was answered with"):
        redis.check(f"redis://{address}")


def test_each_test_gets_a_database_of_its_own_that_is_gone_after_it(postgresql_server: PostgresqlServer) -> None:
    with postgresql_server.database() as one, postgresql_server.database() as other:
        assert one != other
        check(one)
    with pytest.raises(ServerUnusable, match="does not exist"):
        check(one)


def test_a_database_is_a_copy_of_its_template(postgresql_server: PostgresqlServer) -> None:
    with postgresql_server.database() as template:
        with connected(template) as connection:
            connection.cursor().execute("CREATE TABLE shelf (sku text)")
        with (
            postgresql_server.database(template.rpartition("/")[2]) as copy,
            connected(copy) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT count(*) FROM shelf")
            assert cursor.fetchone() == (0,)


def test_a_database_is_dropped_though_the_test_left_a_connection_open(postgresql_server: PostgresqlServer) -> None:
    with postgresql_server.database() as url:
        forgotten = psycopg2.connect(url)
    with pytest.raises(psycopg2.Error):
        forgotten.cursor().execute("SELECT 1")


def test_only_databases_of_test_runs_older_than_a_day_are_leftovers() -> None:
    now = 1_800_000_000.0
    assert is_leftover("oms_test_1799900000_abc123_gw0_d4e5f6", now)
    assert not is_leftover("oms_test_1799990000_abc123_gw0_d4e5f6", now)
    assert not is_leftover("oms_test_mine", now)
    assert not is_leftover("oms", now)


def test_leftovers_of_crashed_runs_are_dropped(postgresql_server: PostgresqlServer, test_run: Run) -> None:
    token = test_run.unique_name().rpartition("_")[2]
    old = replace(postgresql_server, run=replace(test_run, prefix=f"oms_test_{int(time.time()) - 90_000}_{token}"))
    with postgresql_server.database() as fresh, old.database() as leftover:
        assert leftover.rpartition("/")[2] in postgresql_server.drop_leftovers()
        check(fresh)


def test_a_killed_postgresql_comes_back_with_what_was_committed(
    private_postgresql: Callable[[], PrivatePostgresql],
) -> None:
    server = private_postgresql()
    with connected(server.url) as connection:
        connection.cursor().execute("CREATE TABLE sold AS SELECT 500 AS units")
        server.kill()
        with pytest.raises(psycopg2.Error):
            connection.cursor().execute("SELECT 1")
    server.start()
    with connected(server.url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT units FROM sold")
        assert cursor.fetchone() == (500,)


def test_a_free_port_is_below_those_of_outgoing_connections() -> None:
    assert 20_000 <= free_port() < 30_000


def test_waiting_gives_what_the_condition_gave() -> None:
    answers = iter([None, 0, "done"])
    assert wait_until(lambda: next(answers), 5, "done") == "done"


def test_waiting_ends_at_the_deadline_and_says_for_what() -> None:
    with pytest.raises(DeadlinePassed, match=r"^stock is sold out: not within 0\.05 s$"):
        wait_until(lambda: False, 0.05, "stock is sold out")


def test_a_condition_is_looked_at_once_even_without_time() -> None:
    assert wait_until(lambda: True, 0, "true already")
