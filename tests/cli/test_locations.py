"""`oms locations`, `oms inventory transfer`, and safety stock."""

from __future__ import annotations

import json

import pytest

from oms_core import OrderLine
from tests.cli.conftest import Cli


def test_a_location_is_set_and_says_what_it_does(cli: Cli) -> None:
    ran = cli("locations", "set", "yard", "--kind", "quarantine", "--note", "behind the hall")
    assert (ran.code, ran.out) == (0, "yard: quarantine, neither sells nor ships\n")
    assert cli("locations", "set", "yard", "--kind", "STOCK").out == "yard: stock, sells and ships\n"
    assert cli("locations", "set", "yard", "--no-ships").out == "yard: stock, sells\n"


def test_locations_are_listed_by_name(cli: Cli) -> None:
    assert cli("locations", "list").err == "no locations\n"
    cli.stock("WIDGET", 10)
    cli("locations", "set", "ship-7", "--kind", "incoming", "--expected", "2027-03-01", "--note", "by sea")
    main, ship = json.loads(cli("locations", "list", "-o", "json").out)
    assert (main["name"], main["sells"], ship["name"], ship["sells"]) == ("main", True, "ship-7", False)
    assert (ship["expected_at"], ship["note"]) == ("2027-03-01T00:00:00.000000Z", "by sea")
    cli("locations", "set", "ship-7", "--expected", "none", "--note", "none")
    (_, ship) = json.loads(cli("locations", "list", "-o", "json").out)
    assert (ship["expected_at"], ship["note"]) == (None, None)


def test_units_are_moved_and_each_side_is_told(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    cli("locations", "set", "yard", "--kind", "quarantine")
    ran = cli("inventory", "transfer", "WIDGET", "4", "--from", "main", "--to", "yard", "--key", "K1")
    assert ran.out == (
        "WIDGET main: on_hand 10 -> 6, reserved 0, available 6\n"
        "WIDGET yard: on_hand 0 -> 4, reserved 0, available 0, new location\n"
    )
    ran = cli("inventory", "transfer", "WIDGET", "4", "--from", "main", "--to", "yard", "--key", "K1", "-o", "json")
    assert [(each["location"], each["on_hand"], each["replayed"]) for each in json.loads(ran.out)] == [
        ("main", 6, True),
        ("yard", 4, True),
    ]


def test_reserved_units_are_not_moved(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    cli.place(OrderLine(sku="WIDGET", quantity=8))
    ran = cli("inventory", "transfer", "WIDGET", "3", "--from", "main", "--to", "north")
    assert ran.code == 5
    assert "stock_below_reserved" in ran.err


def test_safety_stock_is_set_alone_or_with_a_count(cli: Cli) -> None:
    ran = cli("inventory", "set", "WIDGET", "10", "--kept-back", "3")
    assert ran.out == "WIDGET main: on_hand 0 -> 10, reserved 0, available 7, kept back 3, created\n"
    assert "available 7, unsellable 3, updated" in cli("inventory", "show", "WIDGET").out
    ran = cli("inventory", "set", "WIDGET", "--kept-back", "0")
    assert ran.out == "WIDGET main: on_hand 10, reserved 0, available 10, kept back 0\n"
    assert cli("inventory", "set", "WIDGET", "--kept-back", "0").out.endswith(", unchanged\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("locations", "set", "MAIN"), "nothing but case or width"),
        (("locations", "set", "yard", "--kind", "transit", "--sells"), "neither sells nor ships"),
        (("locations", "set", "yard", "--expected", "soon"), "soon"),
        (("inventory", "set", "WIDGET", "1", "--location", "Main"), "nothing but case or width"),
        (("inventory", "transfer", "WIDGET", "1", "--from", "main", "--to", "main"), "another location"),
    ],
)
def test_what_cannot_be_is_refused(cli: Cli, words: tuple[str, ...], code: str) -> None:
    cli.stock("WIDGET", 10)
    ran = cli(*words)
    assert (ran.code, ran.out) == (2, "")
    assert code in ran.err
