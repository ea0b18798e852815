"""Listing orders, naming them, and handing all of them on."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def shop(cli: Cli) -> Cli:
    cli.stock("WIDGET", 1_000)
    return cli


def test_ids_are_those_of_all_orders_and_what_takes_them_moves_all(shop: Cli) -> None:
    for _ in range(130):
        shop.place()
    listed = shop("orders", "list", "--status", "pending", "--ids")
    assert (listed.code, listed.err, len(listed.out.splitlines())) == (0, "", 130)
    moved = shop("orders", "set-status", "processing", "-", given=listed.out)
    assert (moved.code, len(moved.out.splitlines())) == (0, 130)
    assert shop("orders", "list", "--status", "pending", "--ids").out == ""


def test_a_limit_holds_for_ids_too_and_says_that_there_are_more(shop: Cli) -> None:
    orders = [shop.place() for _ in range(3)]
    ran = shop("orders", "list", "--ids", "--limit", "2", "--oldest-first")
    assert ran.out.split() == [str(order.id) for order in orders[:2]]
    assert "the first 2 are shown" in ran.err


def test_the_oldest_come_first_over_all_pages(shop: Cli) -> None:
    orders = [shop.place().id for _ in range(5)]
    assert shop("orders", "list", "--oldest-first", "--ids").out.split() == [str(each) for each in orders]
    assert [order["id"] for order in shop("orders", "list", "--oldest-first", "--limit", "2", "-o", "json").json] == [
        str(each) for each in orders[:2]
    ]
    first = shop.oms.orders.list(caller=shop.caller, limit=2)
    assert [order.id for order in first.items] == orders[:-3:-1]


@pytest.mark.parametrize(
    ("options", "is_listed"),
    [
        (("--newer-than", "4h"), True),
        (("--newer-than", "2h"), False),
        (("--newer-than", "2h", "--created-from", "2000-01-01"), False),
        (("--newer-than", "4h", "--older-than", "2h"), True),
        (("--today", "--newer-than", "2h"), False),
    ],
)
def test_orders_of_some_age_are_listed(shop: Cli, options: tuple[str, ...], is_listed: bool) -> None:
    order = shop.place()  # Three hours ago, by the clock of the command line.
    assert shop("orders", "list", "--ids", *options).out.split() == ([str(order.id)] if is_listed else [])


def test_today_begins_at_midnight_utc(shop: Cli) -> None:
    order = shop.place()
    now = order.created_at + timedelta(hours=3)
    expected = [str(order.id)] if now.date() == order.created_at.date() else []
    assert shop("orders", "list", "--ids", "--today").out.split() == expected


def test_an_order_is_shown_by_its_reference(shop: Cli) -> None:
    order = shop.place(reference="INV-1")
    assert shop("orders", "show", "INV-1", "-o", "json").json["id"] == str(order.id)
    other = shop.place(reference="INV-1")
    ran = shop("orders", "show", "INV-1")
    assert ran.code == 2
    assert str(order.id) in ran.err
    assert str(other.id) in ran.err
    assert shop("orders", "show", "INV-2").code == 2


@pytest.mark.parametrize("length", [13, 14, 18, 30, 35])
def test_an_order_is_named_by_the_beginning_of_its_id(shop: Cli, length: int) -> None:
    order = shop.place()
    begin = str(order.id)[:length]
    assert shop("orders", "show", begin.upper(), "-o", "json").json["id"] == str(order.id)
    assert shop("orders", "events", begin).code == 0
    ran = shop("orders", "set-status", "processing", begin)
    assert (ran.code, ran.out) == (0, f"{order.id} processing\n")
    assert shop("orders", "cancel", "-", given=begin).out == f"{order.id} cancelled\n"


def test_a_beginning_of_no_id_or_of_several_moves_nothing(shop: Cli) -> None:
    assert shop("orders", "cancel", "00000000-0001").code == 4
    assert shop("orders", "cancel", "ffffffff-ffff").code == 4
    together = [shop.place() for _ in range(40)]
    by_begin: dict[str, list[UUID]] = {}
    for each in together:
        by_begin.setdefault(str(each.id)[:13], []).append(each.id)
    for begin, ids in by_begin.items():
        ran = shop("orders", "cancel", begin)
        assert ran.code == (0 if len(ids) == 1 else 2)
        assert len(ids) == 1 or "begins the ids of" in ran.err


@pytest.mark.parametrize(
    ("typed", "meant"), [("WIDGTE", "WIDGET"), ("widget", "WIDGET"), ("\uff37IDGET", "WIDGET"), ("WIDGETS", "WIDGET")]
)
def test_a_sku_that_is_nearly_there_is_suggested(shop: Cli, typed: str, meant: str) -> None:
    for command in (
        ("inventory", "show", typed),
        ("inventory", "movements", typed),
        ("inventory", "adjust", typed, "1", "--reason", "found"),
        ("inventory", "receive", typed, "1"),
        ("orders", "place", "--customer", "C1", "--line", f"{typed}:1"),
    ):
        ran = shop(*command)
        assert ran.code in {4, 5, 2}
        assert ran.err.splitlines()[0].endswith(f"; did you mean {meant}?"), command


def test_no_sku_is_suggested_that_is_far_off(shop: Cli) -> None:
    for typed in ("SCREW", "x/y", ".", "漢字"):
        assert "did you mean" not in shop("inventory", "show", typed).err


def test_a_suggestion_is_found_in_a_large_catalogue(shop: Cli) -> None:
    for number in range(1_200):
        shop.stock(f"A-{number:04}", 1)
    shop.stock("ZEBRA", 1)
    assert shop("inventory", "show", "ZEBRE").err.endswith("; did you mean ZEBRA?\n")
