"""`oms worker` as real processes: what stops and replaces them, and that together they place every order once."""

from __future__ import annotations

import os
import re
import signal
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from oms_core import Oms, OrderStatus, SetStock, Settings
from oms_core.domain.orders.order import OrderFilter
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.cli.programs import Program
from tests.cli.working import CALLER, SECONDS, accept, is_gone, opened, wait_until_placed, working
from tests.services.waiting import wait_until


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program on SQLite, with stock."""
    url = f"sqlite:///{tmp_path}/oms.db"
    with Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="WIDGET", on_hand=100_000), caller=CALLER)
    return Program(folder=tmp_path, database_url=url)


def test_queued_orders_are_placed_from_the_database_alone(program: Program) -> None:
    with opened(program) as oms, working(program) as worker:
        wait_until_placed(oms, accept(oms, 20))
        assert "no broker: the database is polled" in worker.log
        assert str(program.folder / "oms.db") in worker.log
        assert "up to 500 orders to a batch" in worker.log
        assert worker.stop() == 0
        assert oms._ports.storage.workers.find(silent_seconds=600) == [], "it has taken its leave"
        assert oms.stock.get("WIDGET", caller=CALLER).available == 100_000 - 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_with_0_and_leaves_no_process(program: Program, number: signal.Signals) -> None:
    with working(program) as worker:
        children = worker.workers()
        assert len(children) == 1
        assert worker.stop(number) == 0
        assert all(map(is_gone, children))
        assert "Traceback" not in worker.log


def test_ctrl_c_at_a_terminal_reaches_all_processes_and_stops_it_as_gently(program: Program) -> None:
    with working(program) as worker:
        os.killpg(worker.process.pid, signal.SIGINT)
        assert worker.process.wait(SECONDS) == 0
        assert "Traceback" not in worker.log


def test_a_second_signal_ends_at_once_one_that_does_not_stop(program: Program) -> None:
    with working(program) as worker:
        (child,) = worker.workers()
        child.suspend()
        worker.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in worker.log, SECONDS, "it heard the first one")
        assert worker.stop() == 130
        assert is_gone(child)


def test_a_worker_that_is_killed_is_replaced(program: Program) -> None:
    with opened(program) as oms, working(program) as worker:
        (child,) = worker.workers()
        child.kill()
        (successor,) = wait_until(
            lambda: [it for it in worker.workers() if it.pid != child.pid], SECONDS, "another is there"
        )
        wait_until_placed(oms, accept(oms, 3))
        assert f"the worker process {child.pid} has ended with status -9" in worker.log
        assert worker.stop() == 0
        assert is_gone(successor)


def test_it_gives_up_when_its_workers_die_at_once_time_and_again(program: Program) -> None:
    (program.folder / "sitecustomize.py").write_text(
        "import os, sys\nif any('spawn_main' in word for word in sys.orig_argv): os._exit(3)\n"
    )
    with working(program.under(PYTHONPATH=str(program.folder)), is_awaited=False) as worker:
        assert worker.process.wait(SECONDS) == 1
        assert worker.log.count("has ended with status 3") == 3
        assert "giving up" in worker.log


def test_workers_end_with_their_parent(program: Program) -> None:
    with working(program) as worker:
        children = worker.workers()
        worker.process.kill()
        wait_until(lambda: all(map(is_gone, children)), SECONDS, "its processes have ended")
        assert "the worker has stopped" in worker.log, "after the batch in hand"


def test_one_process_places_orders_on_sqlite(program: Program) -> None:
    ran = program.run("worker", "--processes", "2")
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: usage: --processes: ")


def test_a_missing_database_is_named(tmp_path: Path) -> None:
    ran = Program(folder=tmp_path, database_url="sqlite:///missing.db").run("worker")
    assert ran.returncode == 2
    assert str(tmp_path / "missing.db") in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_database_in_memory_is_no_workers(tmp_path: Path) -> None:
    ran = Program(folder=tmp_path, database_url="memory://").run("worker")
    assert ran.returncode == 2
    assert "invalid_setting: OMS_DATABASE_URL: memory://" in ran.stderr


@pytest.mark.parametrize("options", [("--batch-max", "0"), ("--batch-max", "501"), ("--log-level", "loud")])
def test_a_wrong_setting_is_one_line(program: Program, options: tuple[str, ...]) -> None:
    ran = program.run("worker", *options)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: invalid_setting: OMS_")


def test_an_old_schema_stops_the_start_and_names_the_command(tmp_path: Path, postgresql_url: str) -> None:
    ran = Program(folder=tmp_path, database_url=postgresql_url).run("worker")
    assert ran.returncode == 7
    assert "oms db upgrade" in ran.stderr.splitlines()[-1]


def test_a_broker_that_is_away_does_not_stop_the_start(program: Program) -> None:
    program = program.under(OMS_QUEUE_URL="amqp://somebody:secret@127.0.0.1:1/")
    with opened(program) as oms, working(program) as worker:
        wait_until_placed(oms, accept(oms, 3))
        assert "the broker is away" in worker.log
        assert "secret" not in worker.log
        assert len(worker.workers()) == 2, "one more publishes events"
        assert worker.stop() == 0


def test_metrics_of_its_processes_are_served(program: Program) -> None:
    with opened(program) as oms, working(program, "--metrics-address", "127.0.0.1:0") as worker:
        (url,) = wait_until(lambda: re.findall(r"metrics on (http\S+)", worker.log), SECONDS, "metrics are there")
        wait_until_placed(oms, accept(oms, 3))

        def placed() -> list[str]:
            text = urllib.request.urlopen(url, timeout=SECONDS).read().decode()
            return re.findall(r'oms_orders_decided_total\{outcome="placed"\} (\S+)', text)

        assert wait_until(lambda: placed() == ["3.0"], SECONDS, "all are counted")


@pytest.fixture
def spike(tmp_path: Path, postgresql_url: str, rabbitmq_url: str, unique_name: str) -> Iterator[Program]:
    """The program on PostgreSQL and RabbitMQ, with stock."""
    variables = {"OMS_QUEUE_URL": rabbitmq_url, "OMS_QUEUE_PREFIX": unique_name}
    with Oms.open(Settings(database_url=postgresql_url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="WIDGET", on_hand=100_000), caller=CALLER)
    yield Program(folder=tmp_path, database_url=postgresql_url, variables=variables)
    RabbitmqVhost(rabbitmq_url, unique_name).delete_all()


def accept_many(oms: Oms, count: int) -> list[UUID]:
    """Accept orders from several threads, which share transactions."""
    with ThreadPoolExecutor(20) as threads:
        return [order_id for ids in threads.map(lambda _: accept(oms, count // 20), range(20)) for order_id in ids]


def assert_all_placed_once(oms: Oms, order_ids: Sequence[UUID]) -> None:
    wait_until_placed(oms, order_ids)
    assert oms.stock.get("WIDGET", caller=CALLER).available == 100_000 - len(order_ids), "none twice"
    assert oms.audit(caller=CALLER).discrepancies == ()


def test_two_workers_drain_2000_orders_from_a_broker_and_place_none_twice(spike: Program) -> None:
    with opened(spike) as oms, working(spike, "--processes", "2") as worker:
        order_ids = accept_many(oms, 2_000)
        assert_all_placed_once(oms, order_ids)
        assert worker.stop() == 0
        assert "Traceback" not in worker.log


def test_a_stop_with_a_batch_in_hand_acknowledges_it_and_the_rest_is_another_workers(
    spike: Program, rabbitmq_url: str
) -> None:
    with opened(spike) as oms:
        order_ids = accept_many(oms, 2_000)
        with working(spike, "--batch-max", "10") as worker:
            wait_until(lambda: settled(oms) > 0, SECONDS, "a batch was placed")
            assert worker.stop() == 0
        assert 0 < settled(oms) < len(order_ids), "it stopped in the middle"
        with working(spike) as worker:
            assert_all_placed_once(oms, order_ids)
            assert worker.stop() == 0
        assert RabbitmqVhost(rabbitmq_url, spike.variables["OMS_QUEUE_PREFIX"]).waiting("orders.v1") == 0
        assert not oms._ports.storage.orders.find(
            OrderFilter(statuses=frozenset({OrderStatus.FAILED})), after=None, limit=1
        )


def test_a_worker_killed_with_a_batch_in_hand_costs_no_order(spike: Program) -> None:
    with opened(spike) as oms, working(spike, "--batch-max", "10") as worker:
        order_ids = accept_many(oms, 1_000)
        wait_until(lambda: settled(oms) > 0, SECONDS, "a batch was placed")
        for child in worker.workers():
            child.kill()
        assert_all_placed_once(oms, order_ids)
        assert worker.stop() == 0


def settled(oms: Oms) -> int:
    return 100_000 - oms.stock.get("WIDGET", caller=CALLER).available
