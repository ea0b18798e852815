"""`oms orders ship` and `oms shipments`: units leave, are followed, and are taken back."""

from __future__ import annotations

import csv
import io
import json

import pytest

from oms_core import OrderLine
from tests.cli.conftest import Cli, Ran

UNKNOWN = "01980000-0000-7000-8000-000000000000"
HOSTILE = "a\tb\u202egnp\u200d"


@pytest.fixture(autouse=True)
def stocked(cli: Cli) -> None:
    """There are ten widgets and ten gadgets."""
    for sku in ("WIDGET", "GADGET"):
        cli.stock(sku, 10)


@pytest.fixture
def order(cli: Cli) -> str:
    """An order of three widgets and a gadget."""
    lines = (OrderLine(sku="WIDGET", quantity=3), OrderLine(sku="GADGET", quantity=1))
    return str(cli.place(*lines, reference="WEB-1").id)


def status(cli: Cli, order: str) -> str:
    return str(cli("orders", "show", order, "-o", "json").json["status"])


def listed(cli: Cli, order: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = cli("shipments", "list", order, "-o", "json").json
    return found


def refused(ran: Ran, code: int, words: str) -> None:
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err


def test_all_that_is_reserved_is_shipped_where_nothing_is_said(cli: Cli, order: str) -> None:
    ran = cli("orders", "ship", order)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"shipment 1 shipped from main: 3 WIDGET, 1 GADGET; order {order} shipped\n"
    assert status(cli, order) == "shipped"


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (("--line", "WIDGET:2"), "2 WIDGET"),
        (("--line-no", "1:2"), "2 WIDGET"),
        (("--line", "WIDGET:2", "--line-no", "2:1", "--location", "main"), "2 WIDGET, 1 GADGET"),
    ],
)
def test_units_of_products_and_of_lines_are_shipped(cli: Cli, order: str, options: tuple[str, ...], lines: str) -> None:
    ran = cli("orders", "ship", order, *options)
    assert ran.out == f"shipment 1 shipped from main: {lines}; order {order} partly_shipped\n"


def test_an_order_is_named_by_its_reference_or_the_beginning_of_its_id(cli: Cli, order: str) -> None:
    assert cli("orders", "ship", "WEB-1", "--line", "WIDGET:1").code == 0
    assert cli("orders", "ship", order[:18], "--line", "WIDGET:1").code == 0
    assert len(listed(cli, "WEB-1")) == 2


def test_how_it_travels_is_shown_as_a_document_and_in_a_list(cli: Cli, order: str) -> None:
    travels = {
        "carrier": "DHL",
        "tracking_number": "1Z",
        "tracking_url": "https://dhl.example/1Z",
        "reference": "P-1",
    }
    options = [part for name, value in travels.items() for part in ("--" + name.replace("_", "-"), value)]
    shown = cli("orders", "ship", order, "--line", "WIDGET:2", *options, "-o", "json").json
    assert {name: shown[name] for name in travels} == travels
    assert (shown["shipment_no"], shown["order_status"], shown["order_version"]) == (1, "partly_shipped", 2)
    assert listed(cli, order) == [shown]
    (row,) = csv.DictReader(io.StringIO(cli("shipments", "list", order, "-o", "csv").out))
    assert (row["order_id"], row["status"], row["lines"], row["delivered_at"]) == (order, "shipped", "2 WIDGET", "")
    assert "DHL" in cli("shipments", "list", order).out


def test_an_order_without_shipments_lists_none(cli: Cli, order: str) -> None:
    ran = cli("shipments", "list", order)
    assert (ran.code, "no shipments" in ran.out + ran.err) == (0, True)
    assert listed(cli, order) == []


def test_a_sku_may_hold_colons(cli: Cli) -> None:
    cli.stock("A:1", 5)
    order = str(cli.place(OrderLine(sku="A:1", quantity=2)).id)
    assert "1 A:1" in cli("orders", "ship", order, "--line", "A:1:1").out


@pytest.mark.parametrize("line", ["WIDGET", "WIDGET:", ":2", "WIDGET:two", "WIDGET:-1", "WIDGET:2.0", "WIDGET:0"])
def test_a_line_that_is_none_is_a_wrong_call(cli: Cli, order: str, line: str) -> None:
    assert cli("orders", "ship", order, "--line", line).code == 2
    assert cli("orders", "ship", order, "--line-no", line).code == 2
    assert listed(cli, order) == []


@pytest.mark.parametrize(
    "options", [(), ("--file", "x", "WEB-1"), ("--file", "x", "--line", "A:1"), ("--file", "x", "--carrier", "D")]
)
def test_an_order_or_a_file_is_given(cli: Cli, options: tuple[str, ...]) -> None:
    ran = cli("orders", "ship", *options)
    assert (ran.code, "usage" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "options",
    [
        *(("--map", "sku=A"), ("--format", "csv"), ("--delimiter", ","), ("--encoding", "utf-8")),
        *(("--skip-bad",), ("--rejects", "rejects.csv"), ("--yes",)),
    ],
)
def test_what_a_file_is_read_with_ships_no_single_order(cli: Cli, order: str, options: tuple[str, ...]) -> None:
    ran = cli("orders", "ship", order, *options)
    assert (ran.code, "usage" in ran.err, options[0] in ran.err) == (2, True, True)
    assert listed(cli, order) == []


def test_rows_of_the_ledger_name_their_shipment(cli: Cli, order: str) -> None:
    shipment = cli("orders", "ship", order, "--line", "WIDGET:1", "-o", "json").json
    rows = csv.DictReader(io.StringIO(cli("inventory", "movements", "WIDGET", "-o", "csv").out))
    assert {row["kind"]: row["act_id"] for row in rows} == {"ship": shipment["id"], "reserve": "", "count": ""}
    assert shipment["id"] not in cli("inventory", "movements", "WIDGET").out


def test_what_is_refused_is_told_with_its_exit_code(cli: Cli, order: str) -> None:
    refused(cli("orders", "ship", UNKNOWN), 4, "order_not_found")
    refused(cli("orders", "ship", order, "--line", "WIDGET:4"), 5, "exceeds_reserved")
    refused(cli("orders", "ship", order, "--line", "GIZMO:1"), 2, "no line of sku GIZMO")
    refused(cli("orders", "ship", order, "--if-version", "7"), 5, "version_mismatch")
    refused(cli("orders", "ship", order, "--tracking-url", "javascript:1"), 2, "tracking_url")
    refused(cli("shipments", "list", UNKNOWN), 4, "order_not_found")
    refused(cli("shipments", "update", order, "1", "--delivered"), 4, "shipment_not_found")
    refused(cli("shipments", "cancel", order, "1"), 4, "shipment_not_found")
    ran = cli("orders", "ship", order, "--line", "WIDGET:4", "-o", "json")
    assert json.loads(ran.err)["lines"][0] == {"line_no": None, "sku": "WIDGET", "requested": 4, "reserved": 3}


def test_a_location_is_asked_for_where_several_have_some(cli: Cli) -> None:
    cli.stock("SPLIT", 1, location="a-shop")
    cli.stock("SPLIT", 1, location="north")
    order = str(cli.place(OrderLine(sku="SPLIT", quantity=2)).id)
    refused(cli("orders", "ship", order), 5, "the units are at a-shop, north: say which ships")
    assert "from north" in cli("orders", "ship", order, "--location", "north").out
    assert "from a-shop" in cli("orders", "ship", order).out


def test_under_a_key_it_is_shipped_once(cli: Cli, order: str) -> None:
    for said in ("", "it was made before with this key"):
        ran = cli("orders", "ship", order, "--line", "WIDGET:1", "--key", "K")
        assert (ran.code, said in ran.out + ran.err) == (0, True)
    assert len(listed(cli, order)) == 1
    refused(cli("orders", "ship", order, "--line", "WIDGET:2", "--key", "K"), 2, "idempotency_key_reused")


def test_a_shipment_is_followed_until_it_is_delivered(cli: Cli, order: str) -> None:
    cli("orders", "ship", order, "--carrier", "DHL")
    assert cli("shipments", "update", order, "1", "--tracking-number", "1Z", "--if-version", "2").code == 0
    assert cli("shipments", "update", order, "1", "--carrier", "none").code == 0
    (shown,) = listed(cli, order)
    assert (shown["carrier"], shown["tracking_number"], shown["status"]) == (None, "1Z", "shipped")
    ran = cli("shipments", "update", "WEB-1", "1", "--delivered")
    assert ran.out == f"shipment 1 delivered from main: 3 WIDGET, 1 GADGET; order {order} delivered\n"
    assert cli("shipments", "update", order, "1", "--delivered").code == 0
    refused(cli("shipments", "cancel", order, "1"), 5, "shipment_delivered")
    assert cli("shipments", "update", order, "1").code == 2


def test_a_shipment_is_taken_back_once(cli: Cli, order: str) -> None:
    cli("orders", "ship", order)
    for _ in range(2):
        ran = cli("shipments", "cancel", order, "1", "--reason", "broken", "--key", "K")
        assert (
            ran.code,
            f"shipment 1 cancelled from main: 3 WIDGET, 1 GADGET; order {order} processing" in ran.out,
        ) == (
            0,
            True,
        )
    assert cli("shipments", "cancel", order, "1").code == 0
    refused(cli("shipments", "update", order, "1", "--delivered"), 5, "shipment_cancelled")
    assert cli.oms.stock.get("WIDGET", caller=cli.caller).reserved == 3
    assert cli("audit").code == 0


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.0"])
def test_a_number_that_is_none_is_a_wrong_call(cli: Cli, order: str, number: str) -> None:
    assert cli("shipments", "cancel", order, "--", number).code == 2


def test_events_name_the_shipment(cli: Cli, order: str) -> None:
    cli("orders", "ship", order, "--line", "WIDGET:1")
    cli("shipments", "cancel", order, "1", "--reason", "broken")
    rows = list(csv.DictReader(io.StringIO(cli("orders", "events", order, "-o", "csv").out)))
    assert [(row["type"], row["shipment_no"], row["to"], row["reason"]) for row in rows] == [
        ("order.placed", "", "pending", ""),
        ("shipment.created", "1", "", ""),
        ("order.partly_shipped", "", "partly_shipped", ""),
        ("shipment.cancelled", "1", "", "broken"),
        ("order.processing", "", "processing", "broken"),
    ]


def test_a_partly_shipped_order_is_found_and_moved(cli: Cli, order: str) -> None:
    cli("orders", "ship", order, "--line", "WIDGET:1")
    assert cli("orders", "list", "--status", "partly_shipped", "--ids").out == f"{order}\n"
    assert cli("orders", "cancel", order).code == 5
    assert cli("orders", "set-status", "shipped", order).out == f"{order} shipped\n"
    assert [each["shipment_no"] for each in listed(cli, order)] == [1, 2]


def test_what_a_stranger_wrote_steers_no_terminal_and_runs_in_no_spreadsheet(cli: Cli, order: str) -> None:
    given = ("--carrier", HOSTILE, "--reference", "=1+1", "--tracking-number", "+ref", "--line", "WIDGET:1")
    for arguments in (("orders", "ship", order, *given), ("shipments", "list", order), ("orders", "events", order)):
        ran = cli(*arguments)
        assert ran.code == 0, ran.err
        assert not {"\u202e", "\u200d", "\t"} & set(ran.out + ran.err)
    rows = list(csv.reader(io.StringIO(cli("shipments", "list", order, "-o", "csv").out)))
    assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@\t")]
    assert listed(cli, order)[0]["carrier"] == HOSTILE


def test_a_sku_that_is_a_formula_is_text_in_a_list(cli: Cli) -> None:
    cli.stock("=1+1", 5)
    order = str(cli.place(OrderLine(sku="=1+1", quantity=2)).id)
    ran = cli("orders", "ship", order, "-o", "csv")
    assert (ran.code, ",2 =1+1," in ran.out) == (0, True)
