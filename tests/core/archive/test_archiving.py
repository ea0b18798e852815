"""Runs of archiving: what leaves, what stays, and a run that ends in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from oms_contracts.storage_contract.archiving import shipped
from oms_contracts.storage_contract.shop import CLERK, Shop, new_shop
from oms_memory import MemoryStorage
from oms_memory.archive import MemoryArchive

from oms_core.domain.orders.order import Order
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError
from oms_core.use_cases.archive.archive import Archive, ArchiveReport

MOMENT = timedelta(microseconds=1)


class Killed(BaseException):
    """The end of a process."""


@pytest.fixture
def shop() -> Iterator[Shop]:
    storage = MemoryStorage()
    shop = new_shop(storage)
    shop.set("WIDGET", 100)
    yield shop
    storage.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.jsonl.gz"


def archive_of(shop: Shop) -> Archive:
    return Archive(storage=shop.storage, clock=shop.clock)


def run(shop: Shop, path: Path, **given: Any) -> ArchiveReport:
    """Archive all that is finished, two orders a batch."""
    return archive_of(shop).write(path, **{"untouched": MOMENT, "caller": CLERK, "batch_size": 2} | given)


def in_file(shop: Shop, path: Path) -> list[UUID]:
    return [document.id for document in archive_of(shop).list(path, caller=CLERK)]


def test_finished_orders_leave_in_batches_and_the_books_agree(shop: Shop, path: Path) -> None:
    orders = [shipped(shop, ("WIDGET", 1)) for _ in range(5)]
    open_order = shop.buy(("WIDGET", 1))
    told: list[int] = []
    paused: list[int] = []
    assert run(shop, path, progress=told.append, pause=paused.append) == ArchiveReport(archived=5, kept=0)
    assert (told, paused) == ([2, 4, 5], [2, 2, 1])
    assert in_file(shop, path) == [order.id for order in orders]
    assert shop.get(open_order.id) == open_order
    assert shop.levels("WIDGET") == {"main": (95, 1)}
    assert not shop.audit().discrepancies
    assert run(shop, path) == ArchiveReport(archived=0, kept=0)


def test_an_order_that_changes_meanwhile_stays_and_its_last_line_counts(
    shop: Shop, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shipped(shop, ("WIDGET", 1))
    remove = MemoryArchive.remove

    def change_first(archive: MemoryArchive, versions: Mapping[UUID, int], **given: Any) -> frozenset[UUID]:
        if order.id in versions:
            monkeypatch.setattr(MemoryArchive, "remove", remove)
            shop.move(order.id, OrderStatus.RETURNED)
        return remove(archive, versions, **given)

    monkeypatch.setattr(MemoryArchive, "remove", change_first)
    assert run(shop, path) == ArchiveReport(archived=0, kept=1)
    assert run(shop, path) == ArchiveReport(archived=1, kept=0)
    assert in_file(shop, path) == [order.id, order.id]
    assert archive_of(shop).get(path, order.id, caller=CLERK).order["status"] == "returned"
    assert not shop.audit().discrepancies


def killed_before(remove: Callable[..., frozenset[UUID]]) -> Callable[..., frozenset[UUID]]:
    def killed(archive: MemoryArchive, versions: Mapping[UUID, int], **given: Any) -> frozenset[UUID]:
        raise Killed

    return killed


def killed_after(remove: Callable[..., frozenset[UUID]]) -> Callable[..., frozenset[UUID]]:
    def killed(archive: MemoryArchive, versions: Mapping[UUID, int], **given: Any) -> frozenset[UUID]:
        remove(archive, versions, **given)
        raise Killed

    return killed


@pytest.mark.parametrize("killing", [killed_before, killed_after])
def test_a_run_that_was_killed_around_a_removal_is_run_again(
    shop: Shop, path: Path, monkeypatch: pytest.MonkeyPatch, killing: Callable[..., Any]
) -> None:
    orders = [shipped(shop, ("WIDGET", 1)) for _ in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr(MemoryArchive, "remove", killing(MemoryArchive.remove))
        with pytest.raises(Killed):
            run(shop, path)
    assert not shop.audit().discrepancies
    left = 3 - (killing is killed_after) * 2
    assert run(shop, path) == ArchiveReport(archived=left, kept=0)
    assert in_file(shop, path) == [order.id for order in orders], "each stands there once"
    assert not shop.audit().discrepancies


def test_a_full_disk_keeps_the_orders(shop: Shop, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = shipped(shop, ("WIDGET", 1))

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("oms_core.use_cases.archive.archive_file.os.fsync", no_space)
        with pytest.raises(OmsError, match="No space left"):
            run(shop, path)
    assert shop.get(order.id) == order
    path.unlink()
    assert run(shop, path) == ArchiveReport(archived=1, kept=0)


@pytest.mark.parametrize("untouched", [timedelta(0), timedelta(days=-1)])
def test_a_period_that_is_none_is_refused(shop: Shop, path: Path, untouched: timedelta) -> None:
    with pytest.raises(OmsError) as caught:
        run(shop, path, untouched=untouched)
    assert [found.pointer for found in caught.value.errors] == ["/older_than"]
    assert not path.exists()


@pytest.mark.parametrize("batch_size", [0, 501])
def test_a_batch_that_no_transaction_takes_is_refused(shop: Shop, path: Path, batch_size: int) -> None:
    with pytest.raises(OmsError) as caught:
        run(shop, path, batch_size=batch_size)
    assert [found.pointer for found in caught.value.errors] == ["/batch_size"]
    assert not path.exists()


def test_nothing_leaves_before_its_time(shop: Shop, path: Path) -> None:
    order: Order = shipped(shop, ("WIDGET", 1))
    assert run(shop, path, untouched=timedelta(days=400)) == ArchiveReport(archived=0, kept=0)
    assert shop.get(order.id) == order
