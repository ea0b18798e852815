"""A running `oms worker`, and orders for it to place."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psutil  # type: ignore[import-untyped, unused-ignore]

from oms_core import ALL_SCOPES, Caller, Oms, OrderLine, OrderStatus, PlaceOrder, Settings
from tests.cli.programs import OMS, Program
from tests.services.waiting import wait_until

CALLER = Caller(name="tester", scopes=ALL_SCOPES)
SECONDS = 60
READY = "OMS places queued orders"


@dataclass(frozen=True, slots=True)
class Working:
    """A running `oms worker` with its stderr in a file."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "worker.err").read_text()

    def workers(self) -> list[psutil.Process]:
        """Give its processes that place orders, or publish events."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child for child in psutil.Process(self.process.pid).children() if is_worker(child)]
        return []

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


def is_worker(child: psutil.Process) -> bool:
    try:
        return child.status() != psutil.STATUS_ZOMBIE and any("spawn_main" in word for word in child.cmdline())
    except psutil.NoSuchProcess:
        return False


def is_gone(child: psutil.Process) -> bool:
    try:
        return bool(child.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def working(program: Program, *options: str, is_awaited: bool = True) -> Iterator[Working]:
    """Start `oms worker`, wait until it says that it works, and leave nothing behind."""
    with (program.folder / "worker.err").open("wb") as err, hanging_up_ends():
        process = subprocess.Popen(
            [OMS, "worker", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=err,
            cwd=program.folder,
            env={**program.environment, "TMPDIR": str(program.folder)},
            start_new_session=True,
        )
    worker = Working(process, program.folder)
    try:
        if is_awaited:
            wait_until(lambda: READY in worker.log or process.poll() is not None, SECONDS, "it works")
            assert process.poll() is None, worker.log
        yield worker
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def hanging_up_ends() -> Iterator[None]:
    """Undo nohup for what is started meanwhile: a program that inherits an ignored SIGHUP goes on ignoring it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextlib.contextmanager
def opened(program: Program) -> Iterator[Oms]:
    with Oms.open(Settings.load(program.environment)) as oms:
        yield oms


def accept(oms: Oms, count: int) -> list[UUID]:
    command = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)])
    return [oms.orders.accept(command, caller=CALLER).order.id for _ in range(count)]


def wait_until_placed(oms: Oms, order_ids: Sequence[UUID]) -> None:
    def are_placed() -> bool:
        return not oms._ports.storage.queue.sample().numbers

    wait_until(are_placed, SECONDS, "all are settled")
    orders = oms._ports.storage.queue.settled(order_ids)
    assert {order.status for order in orders} == {OrderStatus.PENDING}
    assert len(orders) == len(order_ids)
