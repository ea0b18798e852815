"""docs/production/upgrade.md: a release is replaced behind a balancer that learns late, and no order fails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cli.programs import Program
from tests.cli.serving import Service, serving
from tests.services.tcp import free_port
from tests.services.waiting import wait_until
from tests.services.wheels import ROOT
from tests.system.drills.balancer import balancing
from tests.system.drills.books import books_agree, open_shop, orders_in
from tests.system.drills.buyers import HttpBuyer, buying

POLL_SECONDS = 0.5
LAME_DUCK_SECONDS = 5
NEVER_SECONDS = 600
LEARNING_SECONDS = 30
# What a release adds that the one before it does not know: nothing that old processes read or must fill.
EXPAND = "ALTER TABLE orders ADD COLUMN gift_note text;\n"


class Instance:
    """One `oms serve`, which keeps its port when it is started anew."""

    def __init__(self, program: Program, *, processes: int) -> None:
        self._processes = str(processes)
        self.port = free_port()
        self._ending = ExitStack()
        self._service = self._start(program)

    def _start(self, program: Program) -> Service:
        return self._ending.enter_context(serving(program, "--processes", self._processes, port=self.port))

    def stop(self) -> None:
        assert self._service.stop() == 0
        self._ending.close()

    def restart(self, program: Program) -> None:
        self._service = self._start(program)

    def kill(self) -> None:
        self._ending.close()


@contextmanager
def two_instances(program: Program, folder: Path) -> Iterator[tuple[Instance, Instance]]:
    with ExitStack() as ending:
        sizes = {"first": 2, "second": 1}
        instances = [Instance(in_folder(program, folder / name), processes=size) for name, size in sizes.items()]
        for instance in instances:
            ending.callback(instance.kill)
        yield instances[0], instances[1]


def in_folder(program: Program, folder: Path) -> Program:
    folder.mkdir(exist_ok=True)
    return Program(folder=folder, database_url=program.database_url, variables=program.variables)


@pytest.fixture
def old(tmp_path: Path, postgresql_url: str) -> Program:
    """The release that runs: its database is as it wants it, and there is stock for everybody."""
    program = Program(folder=tmp_path, database_url=postgresql_url)
    open_shop(program)
    return program


def next_release(program: Program, folder: Path) -> Program:
    """The same program with a migration more."""
    package = shutil.copytree(ROOT / "ddl" / "oms_ddl", folder / "next" / "oms_ddl")
    (package / "postgresql" / "9999_gift_notes.sql").write_text(EXPAND)
    return program.under(PYTHONPATH=str(package.parent))


def shoppers(port: int) -> Iterator[HttpBuyer]:
    for keeps_connection in (True, False, True, False):
        yield HttpBuyer(port, keeps_connection=keeps_connection)


def test_a_release_is_replaced_under_load_and_no_order_fails(tmp_path: Path, old: Program) -> None:
    old = old.under(OMS_HTTP_LAME_DUCK_SECONDS=str(LAME_DUCK_SECONDS))
    new = next_release(old, tmp_path)
    with two_instances(old, tmp_path) as instances:
        ports = [instance.port for instance in instances]
        with balancing(ports, poll_seconds=POLL_SECONDS) as balancer, buying(*shoppers(balancer.port)) as purchases:
            purchases.wait_for_more(20)
            assert "9999_gift_notes" in new.run("serve", "--port", str(free_port())).stderr, "the database comes first"
            assert "9999_gift_notes" in new.run("db", "upgrade").stdout
            purchases.wait_for_more(20)
            for instance in instances:
                instance.stop()
                purchases.wait_for_more(20)
                instance.restart(in_folder(new, tmp_path / f"new-{instance.port}"))
                wait_until(lambda: balancer.ready == {*ports}, LEARNING_SECONDS, "the new process is ready")
                purchases.wait_for_more(20)
    assert not purchases.failures, f"{len(purchases.failures)} of {len(purchases.bought)} failed"
    assert {each.order_id for each in purchases.bought} == orders_in(old.database_url)
    assert books_agree(old)


def test_without_the_announcement_orders_meet_a_closed_port(tmp_path: Path, old: Program) -> None:
    """The control of the test above: it is the time that keeps orders from failing."""
    with two_instances(old, tmp_path) as (first, second):
        ports = [first.port, second.port]
        with balancing(ports, poll_seconds=NEVER_SECONDS) as balancer, buying(*shoppers(balancer.port)) as purchases:
            purchases.wait_for_more(20)
            assert not purchases.failures
            first.stop()
            wait_until(lambda: purchases.failures, LEARNING_SECONDS, "orders meet the closed port")
    assert {each.order_id for each in purchases.bought} <= orders_in(old.database_url)
