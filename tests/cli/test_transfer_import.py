"""`oms inventory import --mode transfer`: moves between locations from a file."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

IMPORT = ("inventory", "import", "-", "--mode", "transfer")
CSV = "sku,from,to,quantity,reason\nWIDGET,main,north,4,rebalanced\nWIDGET,north,east,1,\n"


@pytest.fixture(autouse=True)
def stocked(cli: Cli) -> None:
    """Ten widgets in main, of which one is reserved."""
    cli.stock("WIDGET", 10)
    cli.place()


def on_hand(cli: Cli) -> dict[str, int]:
    return {level.location: level.on_hand for level in cli.oms.stock.get("WIDGET", caller=cli.caller).levels}


def test_rows_are_made_once_under_the_key_of_the_file(cli: Cli) -> None:
    ran = cli(*IMPORT, "--idempotency-key", "K", given=CSV)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("made 2 transfers of 2 in ")
    assert ran.out.endswith(" s: 0 made before, 0 refused\n")
    assert on_hand(cli) == {"main": 6, "north": 3, "east": 1}
    report = cli(*IMPORT, "--idempotency-key", "K", "-o", "json", given=CSV).json
    assert report.pop("seconds") >= 0
    assert report == {"transfers": 2, "made": 0, "replayed": 2, "refused": 0, "blank": 0}
    assert on_hand(cli) == {"main": 6, "north": 3, "east": 1}
    assert cli("inventory", "movements", "WIDGET", "-o", "csv").out.count("rebalanced") == 2


def test_without_a_key_nothing_moves(cli: Cli) -> None:
    ran = cli(*IMPORT, given=CSV)
    assert (ran.code, ran.out, on_hand(cli)) == (2, "", {"main": 10})
    assert ran.err.startswith("line 2, idempotency_key: required: idempotency_key is required (or a key for the file)")
    assert "2 of 2 transfers are malformed" in ran.err


def test_what_is_refused_is_kept_and_the_rest_is_made(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    content = CSV.replace(",4,", ",40,") + "WIDGET,main,east,2,\nNOPE,main,east,2,\n"
    ran = cli(*IMPORT, "--idempotency-key", "K", "--rejects", str(file), given=content)
    assert (ran.code, on_hand(cli)) == (8, {"main": 8, "east": 2})
    assert ran.out.endswith(" s: 0 made before, 3 refused\n")
    assert [line.split(": ")[:2] for line in ran.err.splitlines()] == [
        ["line 2", "stock_below_reserved"],
        ["line 3", "validation_error"],
        ["line 5", "sku_not_found"],
    ]
    assert [row["idempotency_key"] for row in csv.DictReader(file.open())] == ["K#2", "K#3", "K#5"]
    file.write_text(file.read_text().replace(",40,", ",4,").replace("NOPE", "WIDGET"))
    ran = cli("inventory", "import", str(file), "--mode", "Transfer")
    assert (ran.code, ran.err, on_hand(cli)) == (0, "", {"main": 2, "north": 3, "east": 5})


def test_malformed_rows_stop_all_unless_they_are_skipped(cli: Cli) -> None:
    content = CSV.replace(",1,", ",one,")
    ran = cli(*IMPORT, "--idempotency-key", "K", given=content)
    assert (ran.code, ran.out, on_hand(cli)) == (2, "", {"main": 10})
    assert ran.err.startswith("line 3, quantity: wrong_type: ")
    assert cli(*IMPORT, "--idempotency-key", "K", "--skip-bad", given=content).code == 8
    assert on_hand(cli) == {"main": 6, "north": 4}


def test_a_file_is_read_as_others_write_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "moves.csv.gz"
    file.write_bytes(
        gzip.compress("Artikel;von;nach;St\u00fcck;Wer\nWIDGET;main;n\u00f6rd;2;ich\n".encode("cp1252"), mtime=0)
    )
    maps = [f"--map={each}" for each in ("sku=Artikel", "from=von", "to=nach", "quantity=St\u00fcck")]
    how = ("--delimiter", ";", "--encoding", "cp1252", "--idempotency-key", "K")
    ran = cli("inventory", "import", str(file), "--mode", "transfer", *how, *maps)
    assert (ran.code, ran.err, on_hand(cli)) == (0, "", {"main": 8, "n\u00f6rd": 2})
    document = {"sku": "WIDGET", "from": "main", "to": "north", "quantity": 3, "idempotency_key": "J"}
    assert cli(*IMPORT, "--format", "jsonl", given=json.dumps(document)).code == 0
    assert on_hand(cli) == {"main": 5, "n\u00f6rd": 2, "north": 3}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--dry-run",), "--dry-run"),
        (("--existing-only",), "--existing-only"),
        (("--batch-size", "10000"), "--batch-size"),
        (("--batch-size", "0"), "--batch-size"),
        (("--reason", "x", "--dry-run"), "--dry-run, --reason"),
    ],
)
def test_options_of_counts_are_usage_errors(cli: Cli, options: tuple[str, ...], named: str) -> None:
    ran = cli(*IMPORT, "--idempotency-key", "K", *options, given=CSV)
    assert (ran.code, ran.out, on_hand(cli)) == (2, "", {"main": 10})
    assert f"{named}: not with --mode transfer" in ran.err


def test_a_stopped_import_says_how_far_it_came_and_goes_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = cli.oms._ports.storage.stock
    change = storage.change
    made: list[object] = []

    def stopping(*args: object, **given: object) -> object:
        if made:
            raise KeyboardInterrupt
        made.append(args)
        return change(*args, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(storage, "change", stopping)
    ran = cli(*IMPORT, "--idempotency-key", "K", given=CSV)
    assert (ran.code, on_hand(cli)) == (130, {"main": 6, "north": 4})
    assert "stopped: at least 1 of 2 are done; the same command goes on after them" in ran.err
    monkeypatch.undo()
    assert "made 1 transfer of 2" in cli(*IMPORT, "--idempotency-key", "K", given=CSV).out
    assert on_hand(cli) == {"main": 6, "north": 3, "east": 1}


def test_counts_have_the_batches_of_the_core_and_no_columns_of_moves(cli: Cli) -> None:
    assert cli("inventory", "import", "-", given="sku,quantity\nWIDGET,12\n").code == 0
    assert on_hand(cli) == {"main": 12}
    ran = cli("inventory", "import", "-", "--idempotency-key", "K", given=CSV)
    assert (ran.code, ran.out) == (2, "")
    assert "from is no column that is read" in ran.err
