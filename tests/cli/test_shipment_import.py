"""`oms orders ship --file`: shipments as a partner's file says."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from oms_core import OrderLine
from tests.cli.conftest import Cli


@pytest.fixture
def orders(cli: Cli) -> list[str]:
    """Two orders of three widgets and a gadget."""
    for sku in ("WIDGET", "GADGET"):
        cli.stock(sku, 10)
    lines = (OrderLine(sku="WIDGET", quantity=3), OrderLine(sku="GADGET", quantity=1))
    return [str(cli.place(*lines).id) for _ in range(2)]


def file_of(orders: list[str]) -> str:
    """Give a file of CSV: two of the first order's products in one parcel, and all of the second order."""
    return (
        "order_id,line_no,sku,quantity,carrier,tracking_number\n"
        f"{orders[0]},,WIDGET,2,DHL,1Z\n{orders[0]},2,,1,DHL,1Z\n{orders[1]},,,,DPD,2Z\n"
    )


def statuses(cli: Cli, orders: list[str]) -> list[str]:
    return [cli("orders", "show", order, "-o", "json").json["status"] for order in orders]


def shipped(cli: Cli, order: str) -> list[str]:
    """Give the lines of an order's shipments."""
    rows = csv.DictReader(cli("shipments", "list", order, "-o", "csv").out.splitlines())
    return [row["lines"] for row in rows]


def test_orders_are_shipped_from_rows(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "ship", "--file", "-", given=file_of(orders))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("made 2 shipments of 2 in ")
    assert ran.out.endswith(" s: 0 made before, 0 refused\n")
    assert statuses(cli, orders) == ["partly_shipped", "shipped"]
    assert [shipped(cli, order) for order in orders] == [["2 WIDGET, 1 GADGET"], ["3 WIDGET, 1 GADGET"]]


def test_the_same_file_again_ships_nothing(cli: Cli, orders: list[str]) -> None:
    for made, replayed in ((2, 0), (0, 2)):
        report = cli("orders", "ship", "--file", "-", "-o", "json", given=file_of(orders)).json
        assert report.pop("seconds") >= 0
        assert report == {"shipments": 2, "made": made, "replayed": replayed, "refused": 0, "blank": 0}
    assert cli("audit").code == 0


def test_shipments_are_made_from_documents_in_a_compressed_file(cli: Cli, orders: list[str], tmp_path: Path) -> None:
    document = {"order_id": orders[0], "lines": [{"sku": "WIDGET", "quantity": 2}], "idempotency_key": "K"}
    file = tmp_path / "shipments.jsonl.gz"
    file.write_bytes(gzip.compress((json.dumps(document) + "\n").encode(), mtime=0))
    ran = cli("orders", "ship", "--file", str(file), "-o", "csv")
    assert ran.out.startswith("shipments,made,replayed,refused,blank,seconds\n1,1,0,0,0,0.")
    assert shipped(cli, orders[0]) == ["2 WIDGET"]


def test_columns_may_have_other_names(cli: Cli, orders: list[str]) -> None:
    content = f"Auftrag;Artikel;Menge;Sendung;Ort\n{orders[0]};WIDGET;2;1Z;Kiel\n"
    names = {"order_id": "Auftrag", "sku": "Artikel", "quantity": "Menge", "tracking_number": "Sendung"}
    options = [option for ours, theirs in names.items() for option in ("--map", f"{ours}={theirs}")]
    ran = cli("orders", "ship", "--file", "-", "--delimiter", ";", *options, given=content)
    assert (ran.code, ran.err) == (0, "")
    assert shipped(cli, orders[0]) == ["2 WIDGET"]


def test_a_file_in_another_encoding_is_read(cli: Cli, orders: list[str]) -> None:
    content = f"order_id,carrier,reference\n{orders[0]},Köln,R-1\n".encode("cp1252")
    assert cli("orders", "ship", "--file", "-", "--encoding", "cp1252", given=content).code == 0
    assert cli("shipments", "list", orders[0], "-o", "json").json[0]["carrier"] == "Köln"


def test_one_that_is_refused_does_not_stop_the_others_and_is_mended(
    cli: Cli, orders: list[str], tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    content = file_of(orders).replace("WIDGET,2", "WIDGET,9")
    ran = cli("orders", "ship", "--file", "-", "--rejects", str(rejects), given=content)
    assert (ran.code, statuses(cli, orders)) == (8, ["pending", "shipped"])
    assert ran.err == "line 2: exceeds_reserved: more than is reserved at main: 9 of 3 WIDGET\n"
    row, other = csv.DictReader(rejects.open())
    assert (row["order_id"], row["sku"], row["quantity"], row["line"]) == (orders[0], "WIDGET", "9", "2")
    assert (other["line_no"], other["code"]) == ("2", "exceeds_reserved")
    rejects.write_text(rejects.read_text().replace("WIDGET,9", "WIDGET,3"))
    ran = cli("orders", "ship", "--file", str(rejects))
    assert (ran.code, ran.err, statuses(cli, orders)) == (0, "", ["shipped", "shipped"])


def test_a_malformed_row_stops_all_unless_it_is_to_be_skipped(cli: Cli, orders: list[str]) -> None:
    content = file_of(orders).replace("WIDGET,2", "WIDGET,two")
    ran = cli("orders", "ship", "--file", "-", given=content)
    assert (ran.code, ran.out, statuses(cli, orders)) == (2, "", ["pending", "pending"])
    assert ran.err.startswith("line 2, quantity: ")
    assert ran.err.splitlines()[-1].startswith("error: validation_error: 1 of 2 shipments are malformed")
    assert cli("orders", "ship", "--file", "-", "--skip-bad", given=content).code == 8
    assert statuses(cli, orders) == ["pending", "shipped"]


def test_shipments_without_a_key_take_that_of_the_file_and_their_line(cli: Cli, orders: list[str]) -> None:
    content = "order_id\n" + "\n".join(orders) + "\n"
    ran = cli("orders", "ship", "--file", "-", given=content)
    assert (ran.code, "idempotency_key" in ran.err) == (2, True)
    assert cli("orders", "ship", "--file", "-", "--key", "K", given=content).out.startswith("made 2 shipments of 2 ")
    assert "2 made before" in cli("orders", "ship", "--file", "-", "--key", "K", given=content).out


def test_empty_rows_are_passed_over_and_told(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "ship", "--file", "-", given=file_of(orders) + "\n,,,,,\n")
    assert (ran.code, "passed over 2 empty rows" in ran.out) == (0, True)


@pytest.mark.parametrize("mapping", ["order_id", "colour=Colour", "=x", "sku="])
def test_a_mapping_that_is_none_is_refused(cli: Cli, orders: list[str], mapping: str) -> None:
    ran = cli("orders", "ship", "--file", "-", "--map", mapping, given=file_of(orders))
    assert (ran.code, ran.out, statuses(cli, orders)) == (2, "", ["pending", "pending"])


def test_a_file_that_is_not_there_is_a_wrong_call(cli: Cli) -> None:
    assert cli("orders", "ship", "--file", "missing.csv").code == 2


def test_a_stranger_in_a_file_steers_no_terminal(cli: Cli, orders: list[str]) -> None:
    content = f"order_id,carrier,reference\n{orders[0]},\x1b]0;owned\x07\u202e,R-1\n\x1b[2J,x,R-2\n"
    ran = cli("orders", "ship", "--file", "-", given=content)
    assert ran.code == 2
    assert not {"\x1b", "\x07", "\u202e"} & set(ran.out + ran.err)
