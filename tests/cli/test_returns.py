"""`oms orders return` and `oms returns`: units come back, one order's or those of a file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from oms_core import CreateShipment, LocationKind, OrderLine, SetLocation
from tests.cli.conftest import Cli, Ran

UNKNOWN = "01980000-0000-7000-8000-000000000000"
HOSTILE = "a\tb\u202egnp\u200d"


@pytest.fixture(autouse=True)
def stocked(cli: Cli) -> None:
    """There are ten widgets and ten gadgets, and a yard for what is not to be sold."""
    for sku in ("WIDGET", "GADGET"):
        cli.stock(sku, 10)
    cli.oms.locations.set(SetLocation(name="yard", kind=LocationKind.QUARANTINE), caller=cli.caller)


@pytest.fixture
def order(cli: Cli) -> str:
    """An order of three widgets and a gadget, which has left."""
    return shipped(cli, "WEB-1")


def shipped(cli: Cli, reference: str) -> str:
    lines = (OrderLine(sku="WIDGET", quantity=3), OrderLine(sku="GADGET", quantity=1))
    order = cli.place(*lines, reference=reference)
    cli.oms.shipments.create(CreateShipment(order_id=order.id), caller=cli.caller)
    return str(order.id)


def listed(cli: Cli, order: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = cli("returns", "list", order, "-o", "json").json
    return found


def told(cli: Cli, order: str) -> list[str]:
    """Give the lines of an order's returns."""
    return [row["lines"] for row in csv.DictReader(io.StringIO(cli("returns", "list", order, "-o", "csv").out))]


def on_hand(cli: Cli, sku: str) -> dict[str, int]:
    return {level.location: level.on_hand for level in cli.oms.stock.get(sku, caller=cli.caller).levels}


def refused(ran: Ran, code: int, words: str) -> None:
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err


def test_all_that_is_out_comes_back_where_nothing_is_said(cli: Cli, order: str) -> None:
    ran = cli("orders", "return", order)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"return 1: 3 WIDGET (restock, main), 1 GADGET (restock, main); order {order} returned\n"
    assert cli("orders", "show", order, "-o", "json").json["status"] == "returned"
    assert on_hand(cli, "WIDGET") == {"main": 10}


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (("--line", "WIDGET:2"), "2 WIDGET (restock, main)"),
        (("--line-no", "1:2"), "2 WIDGET (restock, main)"),
        (("--line", "WIDGET:2", "--disposition", "Quarantine"), "2 WIDGET (quarantine, yard)"),
        (("--line", "WIDGET:2", "--location", "yard"), "2 WIDGET (restock, yard)"),
        (
            ("--line", "WIDGET:1", "--line-no", "2:1", "--disposition", "discard"),
            "1 WIDGET (discard), 1 GADGET (discard)",
        ),
    ],
)
def test_units_of_products_and_of_lines_come_back(cli: Cli, order: str, options: tuple[str, ...], lines: str) -> None:
    ran = cli("orders", "return", order, *options)
    assert ran.out == f"return 1: {lines}; order {order} partly_returned\n"
    assert told(cli, order) == [lines]


def test_a_return_is_shown_as_a_document_and_in_a_list(cli: Cli, order: str) -> None:
    shown = cli(
        *("orders", "return", "WEB-1", "--line-no", "1:2", "--disposition", "quarantine", "--location", "yard"),
        *("--reference", "RMA-1", "--reason", "torn", "-o", "json"),
    ).json
    assert shown["lines"] == [
        {
            **{"line_no": 1, "sku": "WIDGET", "quantity": 2},
            **{"disposition": "quarantine", "shipped_from": "main", "location": "yard"},
        }
    ]
    assert (shown["return_no"], shown["reference"], shown["reason"]) == (1, "RMA-1", "torn")
    assert (shown["order_id"], shown["order_status"], shown["order_version"]) == (order, "partly_returned", 3)
    assert listed(cli, order[:18]) == [shown]
    ran = cli("returns", "list", order)
    assert (ran.code, "torn" in ran.out, "2 WIDGET (quarantine, yard)" in ran.out) == (0, True, True)
    (row,) = csv.DictReader(io.StringIO(cli("returns", "list", order, "-o", "csv").out))
    assert (row["order_id"], row["return_no"], row["reference"]) == (order, "1", "RMA-1")
    csv_shown = cli("orders", "return", order, "--line", "GADGET:1", "-o", "csv").out.splitlines()
    assert csv_shown[0] == "order_id,return_no,lines,reference,reason,created_at"
    assert csv_shown[1].startswith(f'{order},2,"1 GADGET (restock, main)",,,')


def test_many_lines_are_told_as_units(cli: Cli) -> None:
    lines = [OrderLine(sku=sku, quantity=1) for sku in ("WIDGET", "GADGET") * 3]
    order = cli.place(*lines)
    cli.oms.shipments.create(CreateShipment(order_id=order.id), caller=cli.caller)
    assert cli("orders", "return", str(order.id)).out == f"return 1: 6 units; order {order.id} returned\n"


def test_an_order_without_returns_lists_none(cli: Cli, order: str) -> None:
    ran = cli("returns", "list", order)
    assert (ran.code, "no returns" in ran.out + ran.err) == (0, True)
    assert listed(cli, order) == []


@pytest.mark.parametrize(
    "options",
    [
        *((), ("--file", "x", "WEB-1"), ("--file", "x", "--line", "A:1"), ("--file", "x", "--reason", "torn")),
        *(("--file", "x", "--disposition", "discard"), ("--file", "x", "--location", "yard")),
        *(("--file", "x", "--reference", "R"), ("WEB-1", "--skip-bad"), ("WEB-1", "--map", "sku=A")),
    ],
)
def test_an_order_or_a_file_is_given(cli: Cli, order: str, options: tuple[str, ...]) -> None:
    ran = cli("orders", "return", *options)
    assert (ran.code, "usage" in ran.err) == (2, True)
    assert listed(cli, order) == []


@pytest.mark.parametrize("options", [("--disposition", "discard"), ("--location", "yard")])
def test_what_becomes_of_units_is_said_of_units_that_are_named(cli: Cli, order: str, options: tuple[str, ...]) -> None:
    refused(cli("orders", "return", order, *options), 2, "--line")
    assert listed(cli, order) == []


def test_what_is_refused_is_told_with_its_exit_code(cli: Cli, order: str) -> None:
    refused(cli("orders", "return", UNKNOWN), 4, "order_not_found")
    refused(cli("returns", "list", UNKNOWN), 4, "order_not_found")
    refused(cli("orders", "return", order, "--line", "WIDGET:4"), 5, "exceeds_shipped")
    refused(cli("orders", "return", order, "--line", "GIZMO:1"), 2, "no line of sku GIZMO")
    refused(cli("orders", "return", order, "--line", "WIDGET"), 2, "WIDGET:2")
    refused(cli("orders", "return", order, "--line", "WIDGET:1", "--disposition", "sold"), 2, "quarantine")
    refused(cli("orders", "return", order, "--line", "WIDGET:1", "--location", "moon"), 2, "moon")
    refused(cli("orders", "return", order, "--if-version", "7"), 5, "version_mismatch")
    cli.oms.locations.set(SetLocation(name="annex", kind=LocationKind.QUARANTINE), caller=cli.caller)
    refused(cli("orders", "return", order, "--line", "WIDGET:1", "--disposition", "quarantine"), 5, "annex, yard")
    ran = cli("orders", "return", order, "--line", "WIDGET:4", "-o", "json")
    assert json.loads(ran.err)["lines"] == [
        {"line_no": None, "sku": "WIDGET", "requested": 4, "shipped": 3, "returned": 0}
    ]
    pending = str(cli.place().id)
    refused(cli("orders", "return", pending), 5, "invalid_transition")


def test_under_a_key_it_comes_back_once(cli: Cli, order: str) -> None:
    for said in ("", "it was made before with this key"):
        ran = cli("orders", "return", order, "--line", "WIDGET:1", "--key", "K")
        assert (ran.code, said in ran.out + ran.err) == (0, True)
    assert len(listed(cli, order)) == 1
    refused(cli("orders", "return", order, "--line", "WIDGET:2", "--key", "K"), 2, "idempotency_key_reused")


def test_events_name_the_return(cli: Cli, order: str) -> None:
    cli("orders", "return", order, "--line", "WIDGET:1", "--reason", "torn")
    rows = list(csv.DictReader(io.StringIO(cli("orders", "events", order, "-o", "csv").out)))
    assert [(row["type"], row["return_no"], row["to"], row["reason"]) for row in rows[-2:]] == [
        ("return.created", "1", "", "torn"),
        ("order.partly_returned", "", "partly_returned", "torn"),
    ]


def test_a_partly_returned_order_is_found_and_moved(cli: Cli, order: str) -> None:
    cli("orders", "return", order, "--line", "WIDGET:1")
    assert cli("orders", "list", "--status", "partly_returned", "--ids").out == f"{order}\n"
    assert "partly_returned" in cli("orders", "list").out
    assert "main: 3 shipped 1 returned" in cli("orders", "show", order).out
    assert cli("orders", "set-status", "returned", order).out == f"{order} returned\n"
    assert [each["return_no"] for each in listed(cli, order)] == [1, 2]
    assert cli("audit").code == 0


def test_what_a_stranger_wrote_steers_no_terminal_and_runs_in_no_spreadsheet(cli: Cli, order: str) -> None:
    given = ("--reason", HOSTILE, "--reference", "=1+1", "--line", "WIDGET:1")
    for arguments in (("orders", "return", order, *given), ("returns", "list", order), ("orders", "events", order)):
        ran = cli(*arguments)
        assert ran.code == 0, ran.err
        assert not {"\u202e", "\u200d", "\t"} & set(ran.out + ran.err)
    rows = list(csv.reader(io.StringIO(cli("returns", "list", order, "-o", "csv").out)))
    assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@\t")]
    assert listed(cli, order)[0]["reason"] == HOSTILE


def file_of(*orders: str) -> str:
    """Give a file of CSV: two of the first order's products, one of them torn, and all of the second order."""
    return (
        "order_id,line_no,sku,quantity,disposition,reference,reason\n"
        f"{orders[0]},,WIDGET,2,,RMA-1,too large\n{orders[0]},2,,1,discard,RMA-1,\n{orders[1]},,,,,RMA-2,\n"
    )


def test_orders_are_taken_back_from_rows_once(cli: Cli, order: str) -> None:
    other = shipped(cli, "WEB-2")
    ran = cli("orders", "return", "--file", "-", given=file_of(order, other))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("made 2 returns of 2 in ")
    assert told(cli, order) == ["2 WIDGET (restock, main), 1 GADGET (discard)"]
    assert told(cli, other) == ["3 WIDGET (restock, main), 1 GADGET (restock, main)"]
    report = cli("orders", "return", "--file", "-", "-o", "json", given=file_of(order, other)).json
    assert report.pop("seconds") >= 0
    assert report == {"returns": 2, "made": 0, "replayed": 2, "refused": 0, "blank": 0}
    assert cli("audit").code == 0


def test_returns_are_made_from_documents_under_other_names_and_with_the_files_key(cli: Cli, order: str) -> None:
    document = {"order_id": order, "lines": [{"sku": "WIDGET", "quantity": 1, "disposition": "missing"}]}
    ran = cli("orders", "return", "--file", "-", "--key", "K", "-o", "csv", given=json.dumps(document))
    assert ran.out.startswith("returns,made,replayed,refused,blank,seconds\n1,1,0,0,0,0.")
    content = f"Auftrag;Befund;Artikel;Menge;Nummer\n{order};quarantine;WIDGET;1;R\n"
    names = {"order_id": "Auftrag", "disposition": "Befund", "sku": "Artikel", "quantity": "Menge"}
    options = [option for ours, theirs in names.items() for option in ("--map", f"{ours}={theirs}")]
    file = ("--file", "-", "--delimiter", ";", "--map", "reference=Nummer")
    assert cli("orders", "return", *file, *options, given=content).code == 0
    assert told(cli, order) == ["1 WIDGET (missing)", "1 WIDGET (quarantine, yard)"]


def test_one_that_is_refused_does_not_stop_the_others_and_is_mended(cli: Cli, order: str, tmp_path: Path) -> None:
    other, rejects = shipped(cli, "WEB-2"), tmp_path / "rejects.csv"
    content = file_of(order, other).replace("WIDGET,2", "WIDGET,9")
    ran = cli("orders", "return", "--file", "-", "--rejects", str(rejects), given=content)
    assert (ran.code, len(listed(cli, order)), len(listed(cli, other))) == (8, 0, 1)
    assert ran.err == "line 2: exceeds_shipped: more than is still out: 9 WIDGET of 3 shipped, 0 returned\n"
    row, discarded = csv.DictReader(rejects.open())
    assert (row["order_id"], row["sku"], row["reason"], row["line"]) == (order, "WIDGET", "too large", "2")
    assert (discarded["disposition"], discarded["code"]) == ("discard", "exceeds_shipped")
    rejects.write_text(rejects.read_text().replace("WIDGET,9", "WIDGET,3"))
    ran = cli("orders", "return", "--file", str(rejects))
    assert (ran.code, ran.err, len(listed(cli, order))) == (0, "", 1)


def test_a_malformed_row_stops_all_unless_it_is_to_be_skipped(cli: Cli, order: str) -> None:
    content = file_of(order, shipped(cli, "WEB-2")).replace("discard", "sold")
    ran = cli("orders", "return", "--file", "-", given=content)
    assert (ran.code, ran.out, listed(cli, "WEB-2")) == (2, "", [])
    assert ran.err.startswith("line 3, disposition: unknown_disposition: ")
    assert ran.err.splitlines()[-1].startswith("error: validation_error: 1 of 2 returns are malformed")
    assert cli("orders", "return", "--file", "-", "--skip-bad", given=content).code == 8
    assert len(listed(cli, "WEB-2")) == 1
