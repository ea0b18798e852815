"""Where an order is to be served from: `--from` of `oms orders place`, and the column of exports and imports."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

PLACE = ("orders", "place", "--customer", "C1", "--line", "WIDGET:3", "--reference", "R1")


@pytest.fixture(autouse=True)
def stocked(cli: Cli) -> None:
    """Five widgets in the default location, two in each of the others."""
    cli.stock("WIDGET", 5)
    for location in ("north", "east", "a;b,c"):
        cli.stock("WIDGET", 2, location=location)


def served(cli: Cli, reference: str) -> str:
    (row,) = csv.DictReader(io.StringIO(cli("orders", "show", reference, "-o", "csv").out))
    return row["served_from"]


def exported(cli: Cli) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(cli("orders", "export").out)))


def test_an_order_is_served_from_the_locations_that_are_given_in_their_order(cli: Cli) -> None:
    ran = cli(*PLACE, "--from", "north", "--from", "east", "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["locations"] == ["north", "east"]
    assert served(cli, "R1") == "east: 1 reserved, north: 2 reserved"


def test_a_location_that_is_not_among_them_serves_nothing(cli: Cli) -> None:
    ran = cli(*PLACE, "--from", "north")
    assert (ran.code, ran.out) == (5, "")
    assert "WIDGET: 3 requested, 2 available" in ran.err


def test_a_name_may_have_a_comma_and_a_semicolon(cli: Cli) -> None:
    assert cli(*PLACE, "--from", "a;b,c", "--from", "north").code == 0
    assert served(cli, "R1") == "a;b,c: 2 reserved, north: 1 reserved"


@pytest.mark.parametrize(
    ("names", "told"), [(("north", "north"), "/locations/1: is named already"), (("",), "/locations/0: must have 1 to")]
)
def test_a_bad_list_is_a_usage_error(cli: Cli, names: tuple[str, ...], told: str) -> None:
    ran = cli(*PLACE, *(option for name in names for option in ("--from", name)))
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_document_has_them_itself(cli: Cli) -> None:
    document = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}], "locations": ["east"]}
    refused = cli("orders", "place", "-", "--from", "north", given=json.dumps(document))
    assert (refused.code, refused.out) == (2, "")
    assert "as a document or by options, not both" in refused.err
    assert cli("orders", "place", "-", "-o", "json", given=json.dumps(document)).json["locations"] == ["east"]


def test_a_table_shows_them_only_where_they_are_given(cli: Cli) -> None:
    cli(*PLACE, "--from", "north", "--from", "east")
    shown = cli("orders", "show", "R1").out
    assert ["locations", "north,", "east"] in [line.split() for line in shown.splitlines()]
    cli("orders", "place", "--customer", "C1", "--line", "WIDGET:1", "--reference", "R2")
    assert "locations" not in cli("orders", "show", "R2").out
    assert cli("orders", "show", "R2", "-o", "json").json["locations"] is None


def test_an_export_has_a_column_of_them_and_an_import_reads_it(cli: Cli, tmp_path: Path) -> None:
    wanted = [("R1", ("north", "east"), "north;east"), ("R2", ("a;b,c",), '["a;b,c"]'), ("R3", (), "")]
    for reference, names, _ in wanted:
        given = [option for name in names for option in ("--from", name)]
        cli("orders", "place", "--customer", "C1", "--line", "WIDGET:2", "--reference", reference, *given)
    assert [(row["reference"], row["locations"]) for row in exported(cli)] == [(each[0], each[2]) for each in wanted]
    file = tmp_path / "orders.csv"
    cli("orders", "export", str(file))
    for row in exported(cli):
        cli("orders", "cancel", row["order_id"])
    ran = cli("orders", "import", str(file), "--map", "reference=reference")
    assert "3 placed" in ran.out, ran.err
    lines = cli("orders", "export", "-o", "jsonl", "--status", "pending").out.splitlines()
    found = {order["reference"]: order["locations"] for order in map(json.loads, lines)}
    assert found == {"R1": ["north", "east"], "R2": ["a;b,c"], "R3": None}


@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_of_rejects_keeps_them(cli: Cli, tmp_path: Path, as_json: bool) -> None:
    rejects = tmp_path / "rejects.csv"
    content = "reference,customer_id,sku,quantity,locations\nR1,C1,WIDGET,4,east; north\nR2,C1,WIDGET,3,east;north\n"
    if as_json:
        order = {"customer_id": "C1", "locations": ["east", "north"]}
        lines = {"R1": 4, "R2": 3}
        content = "".join(
            json.dumps({**order, "reference": reference, "lines": [{"sku": "WIDGET", "quantity": quantity}]}) + "\n"
            for reference, quantity in lines.items()
        )
    ran = cli("orders", "import", "-", "--rejects", str(rejects), given=content)
    line = 2 if as_json else 3
    assert (ran.code, ran.err) == (8, f"line {line}: insufficient_inventory: WIDGET: 3 requested, 0 available\n")
    (row,) = csv.DictReader(rejects.open())
    assert row["locations"] == "east;north"
    assert served(cli, "R1") == "east: 2 reserved, north: 2 reserved"
    cli.stock("WIDGET", 9, location="north")
    assert cli("orders", "import", str(rejects)).code == 0
    assert served(cli, "R2") == "north: 3 reserved"


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("R1,C1,WIDGET,1,east;north", "line 3, locations: conflicting_value"),
        ("R2,C1,WIDGET,1,north;north", "line 3, locations/1: duplicate"),
        ("R2,C1,WIDGET,1,north;", "line 3, locations/1: wrong_length"),
    ],
)
def test_a_malformed_cell_stops_the_import_before_anything_is_placed(cli: Cli, second: str, told: str) -> None:
    content = f"reference,customer_id,sku,quantity,locations\nR1,C1,WIDGET,1,north;east\n{second}\n"
    ran = cli("orders", "import", "-", given=content)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert cli("orders", "list", "-o", "json").json == []
