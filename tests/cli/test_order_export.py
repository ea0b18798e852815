"""`oms orders export`."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from oms_core import OrderLine
from oms_core.documents.exports import ORDER_EXPORT_COLUMNS
from tests.cli.conftest import Cli


@pytest.fixture
def sold(cli: Cli) -> Cli:
    """An order of two lines whose reference a spreadsheet would run, and a cancelled one of another customer."""
    cli.stock("WIDGET", 10)
    cli.stock("GADGET", 10)
    lines = [OrderLine(sku="WIDGET", quantity=2, unit_price=Decimal("12.5")), OrderLine(sku="GADGET", quantity=1)]
    cli.place(*lines, reference="=1+1", metadata={"channel": "web,\nshop"})
    cli("orders", "cancel", str(cli.place(customer_id="C2").id))
    return cli


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_for_each_line_oldest_first(sold: Cli) -> None:
    ran = sold("orders", "export")
    assert (ran.code, ran.err) == (0, "")
    found = rows(ran.out)
    assert tuple(found[0]) == ORDER_EXPORT_COLUMNS
    shown = [(row["status"], row["customer_id"], row["line_no"], row["sku"], row["quantity"]) for row in found]
    assert shown == [
        ("pending", "C1", "1", "WIDGET", "2"),
        ("pending", "C1", "2", "GADGET", "1"),
        ("cancelled", "C2", "1", "WIDGET", "1"),
    ]
    assert {row["reference"] for row in found[:2]} == {"'=1+1"}
    assert json.loads(found[0]["metadata"]) == {"channel": "web,\nshop"}
    assert (found[0]["unit_price"], found[1]["unit_price"], found[0]["total"]) == ("12.50", "", "")


def test_what_an_order_is_held_for_and_paid_with_stands_in_each_row(sold: Cli) -> None:
    held = sold("orders", "place", "--customer", "C3", "--line", "WIDGET:1", "--hold", "15m", "-o", "json").json
    found = rows(sold("orders", "export", "--customer", "C3").out)
    assert [(row["hold_seconds"], row["hold_until"]) for row in found] == [("900", held["hold_until"])]
    sold("orders", "confirm", held["id"], "--payment-reference", "PAY-1")
    (row,) = rows(sold("orders", "export", "--customer", "C3").out)
    assert (row["status"], row["payment_reference"]) == ("pending", "PAY-1")


def test_json_lines_have_an_order_each(sold: Cli, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    ran = sold("orders", "export", str(file))
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.endswith(f"wrote 2 orders to {file}\n")
    documents: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    assert documents == sold("orders", "list", "-o", "json").json[::-1]
    assert documents[0]["reference"] == "=1+1"


@pytest.mark.parametrize(
    ("filters", "customers"),
    [
        (["--customer", "C2"], ["C2"]),
        (["--status", "pending"], ["C1"]),
        (["--sku", "GADGET"], ["C1"]),
        (["--reference", "=1+1"], ["C1"]),
        (["--created-to", "2020-01-01"], []),
        (["--older-than", "1h"], ["C1", "C2"]),
        (["--newer-than", "1h"], []),
    ],
    ids=str,
)
def test_the_filters_are_those_of_the_list(sold: Cli, filters: list[str], customers: list[str]) -> None:
    lines = sold("orders", "export", "-o", "jsonl", *filters).out.splitlines()
    assert [json.loads(line)["customer_id"] for line in lines] == customers


def test_a_file_of_the_export_can_be_imported_under_its_references(sold: Cli, tmp_path: Path) -> None:
    """The names of its columns are those of an import; what an import does not know is passed over by a mapping."""
    file = tmp_path / "orders.csv"
    sold("orders", "export", str(file), "--customer", "C1")
    ran = sold("orders", "import", str(file), "--map", "reference=reference")
    assert ran.out.startswith("imported 1 order"), ran.err
    (again,) = [json.loads(line) for line in sold("orders", "export", "-o", "jsonl").out.splitlines()][2:]
    assert (again["reference"], again["metadata"], len(again["lines"])) == ("=1+1", {"channel": "web,\nshop"}, 2)


@pytest.mark.parametrize("output", ["table", "json"])
def test_another_format_is_a_usage_error(sold: Cli, output: str) -> None:
    ran = sold("orders", "export", "-o", output)
    assert (ran.code, ran.out) == (2, "")
    assert f"an export is csv or jsonl, not {output}; `oms orders list` shows tables" in ran.err
