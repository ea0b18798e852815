"""An order that ends the processes of `oms worker`: they are replaced until it is given up; all others are placed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from oms_contracts.broker_contract.post import announce

from oms_core import Oms
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.cli.programs import OMS, Program
from tests.faults.queue_deployment import BUYER, accept, deployment, order
from tests.faults.queue_deployment_checks import check
from tests.services import free_port
from tests.services.wheels import ROOT

STOPPING_SECONDS = 30
ATTEMPTS_MAX = 3
POISONED_PROCESS = """import sys
from uuid import UUID
if any('spawn_main' in word for word in sys.orig_argv):
    from tests.faults.queue_deployment import die_of
    die_of([UUID('{}')])
"""


@pytest.fixture
def broker(rabbitmq_url: str, unique_name: str) -> Iterator[RabbitmqVhost]:
    broker = RabbitmqVhost(rabbitmq_url, unique_name)
    yield broker
    broker.delete_all()


@pytest.fixture
def oms(broker: RabbitmqVhost, postgresql_url: str) -> Iterator[Oms]:
    with deployment(postgresql_url, broker.url, broker.prefix, max_attempts=ATTEMPTS_MAX) as oms:
        yield oms


@contextmanager
def program(oms: Oms, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `oms worker`, whose processes begin with the sitecustomize.py of the folder."""
    environment = Program(folder=folder, database_url=oms.settings.database_url).under(
        OMS_QUEUE_URL=oms.settings.queue_url,
        OMS_QUEUE_PREFIX=oms.settings.queue_prefix,
        OMS_MAX_ATTEMPTS=str(ATTEMPTS_MAX),
        PYTHONPATH=f"{folder}:{ROOT}",
    )
    with (folder / "worker.err").open("wb") as err:
        worker = subprocess.Popen([OMS, "worker"], stderr=err, cwd=folder, env=environment.environment)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait(STOPPING_SECONDS)


def test_workers_that_an_order_ends_are_replaced_until_it_is_given_up(oms: Oms, tmp_path: Path) -> None:
    nowhere = replace(oms.settings, queue_url=f"amqp://guest:guest@127.0.0.1:{free_port()}")
    with Oms.open(nowhere) as cut_off:
        innocent = accept(cut_off, 20, "A")
        poisoned = cut_off.orders.accept(order("P"), caller=BUYER).order.id
        innocent += accept(cut_off, 20, "B")
    announce(oms._ports.broker, [*innocent, poisoned])
    (tmp_path / "sitecustomize.py").write_text(POISONED_PROCESS.format(poisoned))
    with program(oms, tmp_path) as worker:
        assert check(oms, [*innocent, poisoned]) == {"pending": 40, "failed": 1}
        assert (tmp_path / "worker.err").read_text().count("has ended with status 1") == ATTEMPTS_MAX + 1
        worker.terminate()
        assert worker.wait(STOPPING_SECONDS) == 0
