"""Where data goes and how it looks there: never cut, wrapped or coloured off a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest

from oms_cli.terminal.messages import counted
from oms_cli.terminal.output import Output, OutputFormat
from oms_cli.terminal.view import Column, View
from oms_core import OrderLine
from tests.cli.conftest import Cli

NUMBERS: View[int] = View(
    columns=(Column(name="number", value=lambda number: number), Column(name="half_of", value=lambda it: it * 2)),
    document=lambda number: {"number": number},
)


def written(output_format: OutputFormat, items: list[int]) -> str:
    stream = io.StringIO()
    Output(output_format, stream).list(NUMBERS, items)
    return stream.getvalue()


def test_a_json_list_is_one_array_an_element_a_line() -> None:
    text = written(OutputFormat.JSON, [1, 2])
    assert text == '[\n{"number": 1},\n{"number": 2}\n]\n'
    assert json.loads(written(OutputFormat.JSON, [])) == []


def test_json_lines_are_one_object_a_line() -> None:
    assert written(OutputFormat.JSONL, [1, 2]) == '{"number": 1}\n{"number": 2}\n'
    assert written(OutputFormat.JSONL, []) == ""


def test_csv_has_a_header_and_line_feeds() -> None:
    assert written(OutputFormat.CSV, [1, 2]) == "number,half_of\n1,2\n2,4\n"
    assert written(OutputFormat.CSV, []) == "number,half_of\n"


def test_a_table_off_a_terminal_has_a_line_per_row_whatever_its_length() -> None:
    lines = written(OutputFormat.TABLE, list(range(1_200))).splitlines()
    assert len(lines) == 1_201
    assert lines[:2] == ["NUMBER  HALF OF", "0       0"]


def test_an_error_before_the_first_row_leaves_stdout_empty() -> None:
    def failing() -> Iterator[int]:
        raise RuntimeError
        yield 1

    for output_format in OutputFormat:
        stream = io.StringIO()
        with pytest.raises(RuntimeError):
            Output(output_format, stream).list(NUMBERS, failing())
        assert stream.getvalue() == ""


@pytest.mark.parametrize("name", ['say "cheese", please', "Ж漢字 🧀", "[bold red]x[/]", "=1+1", "a\u00a0b"])
def test_a_name_survives_every_format(cli: Cli, name: str) -> None:
    cli.stock("WIDGET", 1, name=name)
    assert cli("inventory", "list", "-o", "json").json[0]["name"] == name
    assert json.loads(cli("inventory", "list", "-o", "jsonl").out)["name"] == name
    (row,) = csv.DictReader(io.StringIO(cli("inventory", "list", "-o", "csv").out))
    assert row["name"] == ("'=1+1" if name == "=1+1" else name)  # No spreadsheet is to run it.
    assert name in cli("inventory", "list").out


def test_wide_characters_keep_the_columns_aligned(cli: Cli) -> None:
    cli.stock("A", 1, name="漢字")
    cli.stock("B", 1, name="abcd")
    _, wide, narrow = cli("inventory", "list").out.splitlines()
    assert wide.index("1") + 2 == narrow.index("1")  # Two characters that take four cells.


def test_the_format_may_stand_before_the_command_and_the_later_one_counts(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    assert cli("-o", "json", "inventory", "list").json[0]["sku"] == "WIDGET"
    assert cli("-o", "json", "inventory", "list", "-o", "csv").out.startswith("sku,name,")
    assert cli("--output", "JSON", "inventory", "list").json


def test_an_unknown_format_is_a_usage_error(cli: Cli) -> None:
    ran = cli("inventory", "list", "-o", "xml")
    assert (ran.code, ran.out) == (2, "")
    assert "'xml' is not one of 'table', 'json', 'jsonl', 'csv'" in ran.err


def test_times_are_rfc_3339_for_programs_and_short_for_people(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    order = cli.place(OrderLine(sku="WIDGET", quantity=1))
    moment = order.created_at
    assert f"{moment:%Y-%m-%d %H:%M:%S}" in cli("orders", "list").out
    (row,) = csv.DictReader(io.StringIO(cli("orders", "list", "-o", "csv").out))
    assert row["created_at"] == f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def test_counted_speaks_english() -> None:
    assert [counted(number, "order") for number in (0, 1, 2, 1_000_000)] == [
        "0 orders",
        "1 order",
        "2 orders",
        "1,000,000 orders",
    ]
