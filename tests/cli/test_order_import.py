"""`oms orders import`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.bad_input import BAD_ORDERS, BadInput
from tests.cli.conftest import Cli

CSV = """reference,customer_id,sku,quantity,unit_price
R1,C1,WIDGET,2,12.50
R1,C1,GADGET,1,
R2,C2,WIDGET,3,1
"""


@pytest.fixture
def stocked(cli: Cli) -> Cli:
    """Ten of each."""
    cli.stock("WIDGET", 10)
    cli.stock("GADGET", 10)
    return cli


def references(cli: Cli) -> list[str | None]:
    return [order["reference"] for order in cli("orders", "list", "-o", "json").json]


def available(cli: Cli) -> int:
    return cli.oms.stock.get("WIDGET", caller=cli.caller).available


def test_orders_are_placed_from_rows(stocked: Cli) -> None:
    ran = stocked("orders", "import", "-", given=CSV)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("imported 2 orders in ")
    assert ran.out.endswith(" s: 2 placed, 0 placed before, 0 refused\n")
    assert references(stocked) == ["R2", "R1"]
    assert available(stocked) == 5


def test_the_same_file_again_places_nothing(stocked: Cli) -> None:
    for placed, replayed in ((2, 0), (0, 2)):
        report = stocked("orders", "import", "-", "-o", "json", given=CSV).json
        assert report.pop("seconds") >= 0
        assert report == {"orders": 2, "placed": placed, "replayed": replayed, "refused": 0, "blank": 0}
    assert available(stocked) == 5


def test_orders_are_placed_from_documents_in_a_file(stocked: Cli, tmp_path: Path) -> None:
    document = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 2}], "idempotency_key": "k"}
    (tmp_path / "orders.jsonl").write_text(json.dumps(document) + "\n")
    ran = stocked("orders", "import", str(tmp_path / "orders.jsonl"), "-o", "csv")
    assert ran.out.startswith("orders,placed,replayed,refused,blank,seconds\n1,1,0,0,0,0.")


def test_columns_may_have_other_names(stocked: Cli) -> None:
    content = "InvoiceNo,StockCode,Description,Quantity,CustomerID\n536365,WIDGET,White,6,17850\n"
    names = {"reference": "InvoiceNo", "sku": "StockCode", "quantity": "Quantity", "customer_id": "CustomerID"}
    options = [option for ours, theirs in names.items() for option in ("--map", f"{ours}={theirs}")]
    ran = stocked("orders", "import", "-", *options, given=content)
    assert (ran.code, ran.err) == (0, "")
    assert references(stocked) == ["536365"]


@pytest.mark.parametrize("mapping", ["reference", "", "colour=Colour", "=x", "sku="])
def test_a_mapping_that_is_none_is_refused(stocked: Cli, mapping: str) -> None:
    ran = stocked("orders", "import", "-", "--map", mapping, given=CSV)
    assert (ran.code, ran.out, references(stocked)) == (2, "", [])


def test_a_column_that_is_mapped_twice_is_a_usage_error(stocked: Cli) -> None:
    ran = stocked("orders", "import", "-", "--map", "sku=A", "--map", "sku=B", given=CSV)
    assert (ran.code, references(stocked)) == (2, [])
    assert "'sku=B' maps a column that is mapped already" in ran.err


def test_an_order_that_is_refused_does_not_stop_the_others(stocked: Cli, tmp_path: Path) -> None:
    content = CSV.replace("R1,C1,WIDGET,2", "R1,C1,WIDGET,11")
    ran = stocked("orders", "import", "-", "--rejects", str(tmp_path / "refused.csv"), given=content)
    assert (ran.code, references(stocked)) == (8, ["R2"])
    assert ran.out.endswith(": 1 placed, 0 placed before, 1 refused\n")
    assert ran.err == "line 2: insufficient_inventory: WIDGET: 11 requested, 10 available\n"
    row, other = csv.DictReader((tmp_path / "refused.csv").open())
    assert (row["reference"], row["customer_id"], row["line"]) == ("R1", "C1", "2")
    assert (row["code"], row["sku"], row["quantity"]) == ("insufficient_inventory", "WIDGET", "11")
    assert {**row, "quantity": other["quantity"], "sku": other["sku"], "unit_price": other["unit_price"]} == other


def test_the_file_of_rejects_is_imported_as_it_is_once_there_is_stock(stocked: Cli, tmp_path: Path) -> None:
    refused = tmp_path / "refused.csv"
    content = CSV.replace("R1,C1,WIDGET,2", "R1,C1,WIDGET,11")
    assert stocked("orders", "import", "-", "--rejects", str(refused), given=content).code == 8
    stocked.stock("WIDGET", 30)
    ran = stocked("orders", "import", str(refused))
    assert (ran.code, ran.err, sorted(references(stocked))) == (0, "", ["R1", "R2"])


def test_a_malformed_order_stops_all_before_anything_is_placed(stocked: Cli) -> None:
    ran = stocked("orders", "import", "-", given=CSV.replace("R2,C2,WIDGET,3", "R2,C2,WIDGET,three"))
    assert (ran.code, ran.out, references(stocked)) == (2, "", [])
    assert ran.err.splitlines()[-1].startswith("error: validation_error: 1 of 2 orders are malformed")
    assert ran.err.startswith("line 4, quantity: ")


def test_malformed_orders_can_be_skipped(stocked: Cli) -> None:
    content = CSV.replace("R2,C2,WIDGET,3", "R2,C2,WIDGET,three")
    assert stocked("orders", "import", "-", "--skip-bad", given=content).code == 8
    assert references(stocked) == ["R1"]


def test_a_rehearsal_places_nothing(stocked: Cli) -> None:
    ran = stocked("orders", "import", "-", "--dry-run", given=CSV)
    assert ran.out.startswith("would import 2 orders in ")
    assert (ran.code, references(stocked)) == (0, [])
    assert available(stocked) == 10


def keyed(bad: BadInput) -> bytes:
    """The document on one line, with a key, so that a missing one is not what is wrong with it."""
    line = bad.body.replace(b"\n", b"")
    if line == b"{}":
        return b'{"idempotency_key": "bad"}'
    return line.replace(b"{", b'{"idempotency_key": "bad", ', 1) if line.startswith(b'{"') else line


@pytest.mark.parametrize("bad", [bad for bad in BAD_ORDERS if bad.body.strip()], ids=str)  # An empty line is no order.
def test_bad_input_is_refused_with_its_line_and_changes_nothing(stocked: Cli, bad: BadInput) -> None:
    good = '{"customer_id": "C1", "reference": "%s", "lines": [{"sku": "WIDGET", "quantity": 1}]}\n'
    content = (good % "R1").encode() + keyed(bad) + b"\n" + (good % "R2").encode()
    ran = stocked("orders", "import", "-", "--format", "jsonl", given=content)
    assert (ran.code, ran.out, references(stocked)) == (2, "", [])
    told, error = ran.err.splitlines()
    assert told.startswith("line 2")
    assert error.startswith("error: validation_error: 1 of 3 orders are malformed, the first in line 2: ")
    assert "idempotency_key" not in told
    assert (told + error).isprintable()
    assert len(ran.err) < 2_000


def test_json_lines_without_keys_take_that_of_the_file_and_their_line(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    line = '{"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}\n'
    assert cli("orders", "import", "-", given=line * 2).code == 2
    assert cli("orders", "import", "-", "--key", "K", given=line * 2).out.startswith("imported 2 orders")
    assert "0 placed, 2 placed before" in cli("orders", "import", "-", "--key", "K", given=line * 2).out
    assert cli.oms.stock.get("WIDGET", caller=cli.caller).reserved == 2
    ran = cli("orders", "import", "-", "--key", "K" * 248, given=line)
    assert (ran.code, ran.out) == (2, "")
    assert "/idempotency_key" in ran.err
