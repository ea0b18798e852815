"""`oms inventory export`."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from oms_core import SetStock
from oms_core.use_cases.stock import Stock
from tests.cli.conftest import Cli


@pytest.fixture
def stocked(cli: Cli) -> Cli:
    """Two counted products, one of them at two locations, and one that was never counted."""
    cli.stock("B", 2, name='2" pipe, grey')
    cli.stock("A", 10, low_stock_threshold=10)
    cli.stock("A", 5, location="berlin")
    cli.oms.stock.set(SetStock(sku="C", name="never counted"), caller=cli.caller)
    return cli


CSV = 'sku,quantity,location,name\nA,5,berlin,\nA,10,main,\nB,2,main,"2"" pipe, grey"\n'


def test_stdout_gets_a_row_per_product_and_location(stocked: Cli) -> None:
    ran = stocked("inventory", "export")
    assert (ran.code, ran.out) == (0, CSV)
    assert ran.err == "left out: 1 product without a count anywhere\n"
    assert stocked("inventory", "export", "-").out == CSV


def test_json_lines_have_the_same_members(stocked: Cli) -> None:
    lines = stocked("inventory", "export", "-o", "jsonl").out.splitlines()
    assert json.loads(lines[0]) == {"sku": "A", "quantity": 5, "location": "berlin", "name": ""}
    assert len(lines) == 3


def test_what_runs_low_can_be_exported_alone(cli: Cli) -> None:
    cli.stock("A", 10, low_stock_threshold=10)
    cli.stock("B", 10)
    assert cli("inventory", "export", "--low-stock").out.splitlines()[1:] == ["A,10,main,"]


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_format_that_the_import_does_not_read_is_a_usage_error(stocked: Cli, output: str) -> None:
    ran = stocked("inventory", "export", "-o", output)
    assert (ran.code, ran.out) == (2, "")
    assert f"an export is csv or jsonl, not {output}" in ran.err


def test_a_file_is_written_whole_and_its_name_chooses_the_format(stocked: Cli, tmp_path: Path) -> None:
    ran = stocked("inventory", "export", str(tmp_path / "stock.csv"))
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.endswith(f"wrote 3 rows to {tmp_path / 'stock.csv'}\n")
    assert (tmp_path / "stock.csv").read_text() == CSV
    stocked("inventory", "export", str(tmp_path / "stock.jsonl"))
    assert json.loads((tmp_path / "stock.jsonl").read_text().splitlines()[0])["sku"] == "A"


def test_a_file_that_is_there_is_replaced_only_with_yes(stocked: Cli, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("precious")
    ran = stocked("inventory", "export", str(file))
    assert ran.code == 2
    assert (
        ran.err
        == f"error: usage: {file} is there already. Replace it? Say so with --yes: there is no terminal to ask at\n"
    )
    assert file.read_text() == "precious"
    assert stocked("inventory", "export", str(file), "--yes").code == 0
    assert file.read_text() == CSV


def test_a_failing_export_leaves_what_was_there(stocked: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("precious")

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Stock, "export", fail)
    ran = stocked("inventory", "export", str(file), "--yes")
    assert (ran.code, ran.err) == (1, "error: output cannot be written: Input/output error\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["stock.csv"]
    assert file.read_text() == "precious"


def test_a_file_that_cannot_be_written_is_a_usage_error(stocked: Cli, tmp_path: Path) -> None:
    ran = stocked("inventory", "export", str(tmp_path / "missing" / "stock.csv"))
    assert ran.code == 2
    assert ran.err.startswith("error: usage: cannot write ")


def test_a_folder_is_no_file(stocked: Cli, tmp_path: Path) -> None:
    ran = stocked("inventory", "export", str(tmp_path), "--yes")
    assert (ran.code, ran.err) == (2, f"error: usage: cannot write {tmp_path}: Is a directory\n")


def test_a_link_leads_to_what_is_written(stocked: Cli, tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("old")
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "stock.csv")
    assert stocked("inventory", "export", str(link), "--yes").code == 0
    assert link.is_symlink()
    assert (tmp_path / "stock.csv").read_text() == CSV


def test_a_pipe_is_written_to_and_stays_one(stocked: Cli, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    assert stocked("inventory", "export", str(pipe)).code == 0
    reader.join(10)
    assert read == [CSV]
    assert pipe.is_fifo()


def test_no_other_file_is_touched(stocked: Cli, tmp_path: Path) -> None:
    (tmp_path / "stock.csv.part").write_text("precious")
    assert stocked("inventory", "export", str(tmp_path / "stock.csv")).code == 0
    assert (tmp_path / "stock.csv.part").read_text() == "precious"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["stock.csv", "stock.csv.part"]
