"""`oms inventory`, one product at a time, and its lists."""

from __future__ import annotations

import csv
import io
import json

import pytest

from oms_core import OrderLine
from tests.cli.conftest import Cli


def test_setting_a_new_product_says_created(cli: Cli) -> None:
    ran = cli("inventory", "set", "WIDGET", "10")
    assert ran.out == "WIDGET main: on_hand 0 -> 10, reserved 0, available 10, created\n"
    assert (ran.code, ran.err) == (0, "")


def test_setting_a_count_says_what_it_was_and_what_is_left_to_sell(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    cli.place(OrderLine(sku="WIDGET", quantity=4))
    ran = cli("inventory", "set", "WIDGET", "25")
    assert ran.out == "WIDGET main: on_hand 10 -> 25, reserved 4, available 21\n"


def test_setting_the_same_count_says_unchanged_and_writes_nothing(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    ran = cli("inventory", "set", "WIDGET", "10")
    assert ran.out == "WIDGET main: on_hand 10, reserved 0, available 10, unchanged\n"
    assert len(cli.oms.stock.movements("WIDGET", caller=cli.caller).items) == 1


def test_a_name_and_a_threshold_can_be_set_without_a_count(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    ran = cli("inventory", "set", "WIDGET", "--name", "Widget", "--low-stock", "3")
    assert ran.out == 'WIDGET main: on_hand 10, reserved 0, available 10, name "Widget", low stock 3\n'
    ran = cli("inventory", "set", "WIDGET", "--low-stock", "none")
    assert ran.out == "WIDGET main: on_hand 10, reserved 0, available 10, low stock none\n"
    product = cli.oms.stock.get("WIDGET", caller=cli.caller)
    assert (product.name, product.low_stock_threshold) == ("Widget", None)


def test_a_set_of_nothing_is_a_usage_error(cli: Cli) -> None:
    ran = cli("inventory", "set", "WIDGET")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: usage: give QTY, --name, --low-stock or --kept-back\n"
    assert not cli.opened


@pytest.mark.parametrize("text", ["five", "1.5", "1_0", ""])
def test_a_threshold_that_is_no_count_is_a_usage_error(cli: Cli, text: str) -> None:
    ran = cli("inventory", "set", "WIDGET", "--low-stock", text)
    assert ran.code == 2
    assert "is neither a count nor none" in ran.err


def test_a_count_of_another_location_is_kept_apart(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    ran = cli("inventory", "set", "WIDGET", "5", "--location", "berlin")
    assert ran.out == "WIDGET berlin: on_hand 0 -> 5, reserved 0, available 5, new location\n"


def test_the_default_location_is_the_first_of_the_settings(cli: Cli) -> None:
    cli("inventory", "set", "WIDGET", "5", OMS_LOCATIONS="berlin,main")
    assert cli.opened[-1][0].locations == ("berlin", "main")


def test_an_expected_count_that_is_not_there_is_a_conflict(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    assert cli("inventory", "set", "WIDGET", "11", "--expect", "10").code == 0
    ran = cli("inventory", "set", "WIDGET", "12", "--expect", "10")
    assert (ran.code, ran.out) == (5, "")
    assert ran.err == "error: stock_count_mismatch: WIDGET main: on hand is 11, not 10\n"


def test_a_count_below_what_is_reserved_is_a_conflict_that_says_who_holds_it(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    cli.place(OrderLine(sku="WIDGET", quantity=4))
    ran = cli("inventory", "set", "WIDGET", "3")
    assert ran.code == 5
    assert ran.err.startswith("error: stock_below_reserved: WIDGET main: on hand would be 3, but 4 are reserved")
    assert "oms orders list --sku WIDGET --status held,pending,processing" in ran.err


def test_reason_reference_and_actor_reach_the_ledger(cli: Cli) -> None:
    cli("inventory", "set", "WIDGET", "5", "--reason", "stocktake", "--reference", "ST-1", "--actor", "ann")
    (movement,) = cli.oms.stock.movements("WIDGET", caller=cli.caller).items
    assert (movement.movement.reason, movement.movement.reference, movement.actor) == ("stocktake", "ST-1", "ann")


@pytest.mark.parametrize("actor", ["", "a\nb", "x" * 129])
def test_an_actor_that_is_no_name_is_refused(cli: Cli, actor: str) -> None:
    ran = cli("inventory", "set", "WIDGET", "5", "--actor", actor)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: validation_error: /caller/name: ")


@pytest.mark.parametrize("quantity", ["-5", "1000000000001", "99999999999999999999999999"])
def test_a_count_out_of_bounds_is_refused_and_changes_nothing(cli: Cli, quantity: str) -> None:
    ran = cli("inventory", "set", "WIDGET", quantity)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: validation_error: /on_hand: must be between 0 and 1000000000000\n"
    assert not cli.oms.stock.list(caller=cli.caller).items


@pytest.mark.parametrize("quantity", ["five", "1.5", "1e3", "0x10", "NaN", ""])
def test_a_count_that_is_no_number_is_a_usage_error(cli: Cli, quantity: str) -> None:
    ran = cli("inventory", "set", "WIDGET", quantity)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: usage: Invalid value for 'QTY'")


def test_several_wrong_values_get_a_line_each(cli: Cli) -> None:
    ran = cli("inventory", "set", "A/B", "-1")
    assert ran.code == 2
    first, *others = ran.err.splitlines()
    assert first == "error: validation_error: /sku: must not contain '/' nor be '.' or '..' (and 1 more)"
    assert others == [
        "  /sku: must not contain '/' nor be '.' or '..'",
        "  /on_hand: must be between 0 and 1000000000000",
    ]


def test_a_change_as_json_has_the_level_and_the_product(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    document = cli("inventory", "set", "WIDGET", "25", "-o", "json").json
    assert {name: document[name] for name in ("sku", "location", "created", "on_hand_before", "on_hand")} == {
        "sku": "WIDGET",
        "location": "main",
        "created": False,
        "on_hand_before": 10,
        "on_hand": 25,
    }
    assert document["product"]["available"] == 25


def test_a_change_as_csv_is_one_row(cli: Cli) -> None:
    ran = cli("inventory", "receive", "WIDGET", "5", "-o", "csv")
    assert ran.code == 4
    cli.stock("WIDGET", 10)
    ran = cli("inventory", "receive", "WIDGET", "5", "-o", "csv")
    assert ran.out.splitlines() == [
        "sku,location,created,replayed,on_hand_before,on_hand,reserved,available",
        "WIDGET,main,false,false,10,15,0,15",
    ]


def test_adjusting_takes_a_negative_number_without_ado(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    ran = cli("inventory", "adjust", "WIDGET", "-3", "--reason", "broken")
    assert ran.out == "WIDGET main: on_hand 10 -> 7, reserved 0, available 7\n"
    ran = cli("inventory", "adjust", "--reason", "found", "WIDGET", "2")
    assert ran.out == "WIDGET main: on_hand 7 -> 9, reserved 0, available 9\n"


@pytest.mark.parametrize("delta", ["-1.5", "-1e3", "-3x", "--3"])
def test_adjusting_by_what_is_no_number_is_a_usage_error(cli: Cli, delta: str) -> None:
    cli.stock("WIDGET", 10)
    ran = cli("inventory", "adjust", "WIDGET", delta, "--reason", "broken")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: usage: ")


def test_adjusting_needs_a_reason(cli: Cli) -> None:
    ran = cli("inventory", "adjust", "WIDGET", "-3")
    assert ran.code == 2
    assert "Missing option '--reason'" in ran.err


def test_a_misspelt_option_beside_a_negative_number_is_still_a_usage_error(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    ran = cli("inventory", "adjust", "WIDGET", "-3", "--reson", "broken", "--reason", "broken")
    assert ran.code == 2
    assert cli.oms.stock.get("WIDGET", caller=cli.caller).on_hand == 10


def test_adjusting_an_unknown_product_is_not_found(cli: Cli) -> None:
    ran = cli("inventory", "adjust", "NONE", "1", "--reason", "found")
    assert (ran.code, ran.err) == (4, "error: sku_not_found: no product has the SKU NONE\n")


def test_a_change_with_a_key_happens_once(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    receive = ("inventory", "receive", "WIDGET", "5", "--key", "delivery-1", "--reference", "D1")
    assert cli(*receive).out == "WIDGET main: on_hand 10 -> 15, reserved 0, available 15\n"
    assert cli(*receive).out == "WIDGET main: on_hand 15, reserved 0, available 15, done before with this key\n"
    other = cli("inventory", "receive", "WIDGET", "6", "--key", "delivery-1", "--reference", "D1")
    assert other.code == 2
    assert other.err.startswith("error: idempotency_key_reused: ")


def test_show_gives_the_levels_of_a_product(cli: Cli) -> None:
    cli.stock("WIDGET", 10, name="Widget", low_stock_threshold=3)
    cli.stock("WIDGET", 5, location="berlin")
    cli.place(OrderLine(sku="WIDGET", quantity=2))
    heading, titles, berlin, main = cli("inventory", "show", "WIDGET").out.splitlines()
    assert heading.startswith('WIDGET "Widget": on_hand 15, reserved 2, available 13, low stock at 3, updated 20')
    assert titles.split() == ["LOCATION", "ON", "HAND", "RESERVED", "AVAILABLE", "KEPT", "BACK"]
    assert (berlin.split(), main.split()) == (["berlin", "5", "0", "5", "0"], ["main", "10", "2", "8", "0"])


def test_show_as_json_is_the_document_of_the_service(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    document = cli("inventory", "show", "WIDGET", "-o", "json").json
    assert document["sku"] == "WIDGET"
    level = {"location": "main", "on_hand": 10, "reserved": 0, "available": 10, "kept_back": 0}
    assert document["locations"] == [level]


def test_show_of_an_unknown_product_is_not_found(cli: Cli) -> None:
    ran = cli("inventory", "show", "NONE", "-o", "json")
    assert (ran.code, ran.out) == (4, "")
    assert json.loads(ran.err) == {
        "code": "sku_not_found",
        "detail": "no product has the SKU NONE",
        "retry": "never",
    }


def test_list_gives_every_product_by_sku(cli: Cli) -> None:
    for sku in ("B", "A", "C"):
        cli.stock(sku, 10)
    rows = list(csv.DictReader(io.StringIO(cli("inventory", "list", "-o", "csv").out)))
    assert [row["sku"] for row in rows] == ["A", "B", "C"]
    assert rows[0]["available"] == "10"


def test_list_can_show_what_runs_low(cli: Cli) -> None:
    cli.stock("A", 10, low_stock_threshold=10)
    cli.stock("B", 10, low_stock_threshold=9)
    assert [product["sku"] for product in cli("inventory", "list", "--low-stock", "-o", "json").json] == ["A"]


def test_a_list_that_goes_on_says_so_on_stderr(cli: Cli) -> None:
    for number in range(5):
        cli.stock(f"SKU-{number}", 10)
    ran = cli("inventory", "list", "--limit", "2", "-o", "jsonl")
    assert [json.loads(line)["sku"] for line in ran.out.splitlines()] == ["SKU-0", "SKU-1"]
    assert ran.err == "the first 2 are shown; --limit N or --all shows more\n"


@pytest.mark.parametrize("options", [("--all",), ("--limit", "1200")])
def test_a_list_may_be_longer_than_a_page(cli: Cli, options: tuple[str, ...]) -> None:
    for number in range(1_100):
        cli.stock(f"SKU-{number:04}", 10)
    ran = cli("inventory", "list", *options, "-o", "csv")
    assert len(ran.out.splitlines()) == 1_101
    assert ran.err == ""


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_is_none_is_a_usage_error(cli: Cli, limit: str) -> None:
    ran = cli("inventory", "list", "--limit", limit)
    assert (ran.code, ran.out) == (2, "")
    assert "Invalid value for '--limit'" in ran.err


def test_an_empty_list_is_an_empty_table_and_a_word_on_stderr(cli: Cli) -> None:
    ran = cli("inventory", "list")
    assert (ran.code, ran.out, ran.err) == (0, "", "no products\n")
    assert cli("inventory", "list", "-o", "json").json == []
    assert cli("inventory", "list", "-o", "csv").out.startswith("sku,name,on_hand,")


def test_movements_are_the_ledger_newest_first(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    cli("inventory", "adjust", "WIDGET", "-1", "--reason", "broken")
    order = cli.place(OrderLine(sku="WIDGET", quantity=2))
    rows = list(csv.DictReader(io.StringIO(cli("inventory", "movements", "WIDGET", "-o", "csv").out)))
    assert [row["kind"] for row in rows] == ["reserve", "adjust", "count"]
    assert [row["order_id"] for row in rows] == [str(order.id), "", ""]
    assert [row["on_hand_delta"] for row in rows] == ["0", "-1", "10"]
    table = cli("inventory", "movements", "WIDGET").out.splitlines()
    assert len(table) == 4
    assert str(order.id) in table[1]


def test_movements_of_an_unknown_product_are_not_found(cli: Cli) -> None:
    assert cli("inventory", "movements", "NONE").code == 4


def test_a_product_that_was_never_used_is_deleted(cli: Cli) -> None:
    cli("inventory", "set", "WIGDET", "0")
    ran = cli("inventory", "delete", "WIGDET")
    assert (ran.code, ran.out, ran.err) == (0, "deleted WIGDET\n", "")
    assert cli("inventory", "delete", "WIGDET").code == 4
    cli("inventory", "set", "WIDGET", "1")
    ran = cli("inventory", "delete", "WIDGET")
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.startswith("error: product_in_use: WIDGET has moved, or an order names it")
