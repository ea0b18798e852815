"""`oms orders archive` and `archived`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from oms_memory import MemoryStorage

from oms_core import Order, PlaceOrder
from oms_core.domain.commands import OrderLine
from tests.cli.conftest import Cli

WANTED = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=2)], idempotency_key="K")


@pytest.fixture
def cancelled(cli: Cli) -> Order:
    """An order that was cancelled long ago, beside one that is open."""
    cli.stock("A", 10)
    order = cli.oms.orders.place(WANTED, caller=cli.caller).order
    cli.oms.orders.place(PlaceOrder(customer_id="C2", lines=WANTED.lines), caller=cli.caller)
    return age(cli, cli.oms.orders.cancel(order.id, caller=cli.caller))


def age(cli: Cli, order: Order) -> Order:
    """Let an order have been changed long ago for the last time."""
    storage = cli.oms._ports.storage
    assert isinstance(storage, MemoryStorage)
    aged = replace(order, updated_at=order.updated_at - timedelta(days=500))
    storage.tables.orders[order.id] = aged
    return aged


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "orders.jsonl.gz"


@pytest.fixture
def archived(cli: Cli, cancelled: Order, file: Path) -> Order:
    """The cancelled order, which has left."""
    ran = cli("orders", "archive", str(file), "--older-than", "400d")
    assert (ran.code, ran.out) == (0, "archived 1 order\n")
    return cancelled


def test_what_was_archived_is_gone_and_stands_in_the_file(cli: Cli, archived: Order, file: Path) -> None:
    assert cli("orders", "show", str(archived.id)).code == 4
    ran = cli("orders", "archived", str(file))
    assert (ran.code, str(archived.id)[:8] in ran.out, "cancelled" in ran.out) == (0, True, True)
    document = json.loads(cli("orders", "archived", str(file), str(archived.id), "-o", "json").out)
    assert document["order"]["id"] == str(archived.id)
    assert [row["kind"] for row in document["movements"]] == ["reserve", "release"]
    assert [event["type"] for event in document["events"]] == ["order.placed", "order.cancelled"]
    assert cli("audit").code == 0


def test_a_late_repetition_is_told_that_its_order_was_archived(cli: Cli, archived: Order) -> None:
    ran = cli("orders", "place", "--customer", "C1", "--line", "A:2", "--key", "K", "--actor", "tester")
    assert (ran.code, f"order_archived: the order {archived.id}" in ran.err) == (4, True)


def test_an_order_that_is_not_there_is_told(cli: Cli, archived: Order, file: Path) -> None:
    ran = cli("orders", "archived", str(file), "00000000-0000-7000-8000-000000000000")
    assert (ran.code, ran.out) == (4, "")


def test_what_is_too_young_stays(cli: Cli, cancelled: Order, file: Path) -> None:
    ran = cli("orders", "archive", str(file), "--older-than", "501d")
    assert (ran.code, ran.out) == (0, "archived 0 orders\n")
    assert cli("orders", "archived", str(file)).code == 0


@pytest.mark.parametrize("content", [b"", b"id,status\n1,cancelled\n", b"\x1f\x8b\x08\x00"])
def test_what_is_no_archive_is_refused_and_stays_as_it_is(
    cli: Cli, cancelled: Order, tmp_path: Path, content: bytes
) -> None:
    other = tmp_path / "other.csv"
    other.write_bytes(content)
    if content:
        ran = cli("orders", "archive", str(other), "--older-than", "400d")
        assert (ran.code, ran.out) == (2, "")
        assert other.read_bytes() == content
    ran = cli("orders", "archived", str(other))
    assert (ran.code, "is not an archive of orders" in ran.err) == (2, True)


def test_a_folder_that_is_not_there_is_told(cli: Cli, cancelled: Order, tmp_path: Path) -> None:
    ran = cli("orders", "archive", str(tmp_path / "nowhere" / "a.gz"), "--older-than", "400d")
    assert (ran.code, "No such file or directory" in ran.err) == (2, True)


@pytest.mark.parametrize("age", ["soon", "0s"])
def test_a_period_that_is_none_is_refused(cli: Cli, cancelled: Order, file: Path, age: str) -> None:
    ran = cli("orders", "archive", str(file), "--older-than", age)
    assert (ran.code, ran.out) == (2, "")
    assert not file.exists()


def test_a_line_that_was_removed_is_recognised_and_is_not_counted(cli: Cli, file: Path) -> None:
    cli.stock("A", 10)
    order = cli.place(OrderLine(sku="A", quantity=2), OrderLine(sku="A", quantity=1), reference="R")
    assert cli("orders", "change", "R", "--line-no", "2:0").code == 0
    cancelled = cli.oms.orders.cancel(order.id, caller=cli.caller)
    age(cli, cancelled)
    assert cli("orders", "archive", str(file), "--older-than", "400d").out == "archived 1 order\n"
    rows = cli("orders", "archived", str(file), str(order.id)).out.splitlines()
    assert [row.split() for row in rows[-2:]] == [["1", "A", "2"], ["2", "A", "removed"]]
    assert cli("orders", "archived", str(file), "-o", "csv").out.splitlines()[1].endswith(",1")
