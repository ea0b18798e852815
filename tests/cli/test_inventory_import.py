"""`oms inventory import`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from oms_core import OrderLine, SetStock
from tests.cli.conftest import Cli


def counts(cli: Cli) -> dict[str, int]:
    return {product.sku: product.on_hand for product in cli.oms.stock.list(caller=cli.caller).items}


def test_counts_are_set_and_products_created(cli: Cli) -> None:
    cli.stock("A", 1)
    ran = cli("inventory", "import", "-", given="sku,quantity,name\nA,5,\nB,3,New one\n")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("imported 2 rows in ")
    assert ran.out.endswith(" s: 2 applied, 0 unchanged, 0 rejected\ncreated 1 product: B\n")
    assert counts(cli) == {"A": 5, "B": 3}
    assert cli.oms.stock.get("B", caller=cli.caller).name == "New one"


def test_a_file_is_read_and_its_actor_and_reason_reach_the_ledger(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_bytes(b"\xef\xbb\xbfsku,quantity\r\nA,5\r\n")
    ran = cli("inventory", "import", str(tmp_path / "stock.csv"), "--reason", "stocktake", "--actor", "ann")
    assert ran.code == 0, ran.err
    (movement,) = cli.oms.stock.movements("A", caller=cli.caller).items
    assert (movement.movement.reason, movement.actor) == ("stocktake", "ann")


def test_json_lines_are_recognised(cli: Cli) -> None:
    ran = cli("inventory", "import", "-", given='{"sku": "A", "quantity": 5}\n{"sku": "B", "quantity": 6}\n')
    assert ran.code == 0, ran.err
    assert counts(cli) == {"A": 5, "B": 6}


def test_a_format_can_be_insisted_on(cli: Cli) -> None:
    ran = cli("inventory", "import", "-", "--format", "csv", given='{"sku": "A", "quantity": 5}\n')
    assert (ran.code, counts(cli)) == (2, {})
    assert ran.err.startswith("error: validation_error: line 1: ")


def test_the_report_as_json(cli: Cli) -> None:
    cli.stock("A", 5)
    report = cli("inventory", "import", "-", "-o", "json", given="sku,quantity\nA,5\nB,3\n").json
    assert report.pop("seconds") >= 0
    assert report == {
        "rows": 2,
        "applied": 1,
        "unchanged": 1,
        "rejected": 0,
        "replayed": 0,
        "blank": 0,
        "created": 1,
        "created_skus": ["B"],
        "new_locations": [],
    }
    out = cli("inventory", "import", "-", "-o", "csv", given="sku,quantity\nA,5\nB,3\n").out
    assert out.startswith(
        "rows,applied,unchanged,rejected,replayed,blank,created,created_skus,new_locations,seconds\n2,0,2,0,0,0,0,,,0."
    )


BAD = "sku,quantity\nA,5\nB,many\nC/D,1\n"


def test_a_malformed_row_stops_the_import_before_anything_changes(cli: Cli) -> None:
    ran = cli("inventory", "import", "-", given=BAD)
    assert (ran.code, ran.out, counts(cli)) == (2, "", {})
    assert ran.err.splitlines() == [
        "line 3, quantity: wrong_type: quantity must be a whole number",
        "line 4, sku: bad_name: sku must not contain '/' nor be '.' or '..'",
        "error: validation_error: 2 of 3 rows are malformed, the first in line 3: quantity must be a whole number; "
        "nothing was changed",
    ]


def test_a_malformed_row_as_json(cli: Cli) -> None:
    ran = cli("inventory", "import", "-", "-o", "json", given=BAD)
    first, _, error = map(json.loads, ran.err.splitlines())
    assert (ran.code, ran.out) == (2, "")
    assert (first["line"], first["column"], first["code"]) == (3, "quantity", "wrong_type")
    assert (error["code"], error["malformed"]) == ("validation_error", 2)
    assert error["errors"][0]["pointer"] == "/3/quantity"


def test_malformed_rows_can_be_skipped_and_kept(cli: Cli, tmp_path: Path) -> None:
    ran = cli("inventory", "import", "-", "--skip-bad", "--rejects", str(tmp_path / "rejects.csv"), given=BAD)
    assert (ran.code, counts(cli)) == (8, {"A": 5})
    assert ": 1 applied, 0 unchanged, 2 rejected\n" in ran.out
    rows = list(csv.DictReader((tmp_path / "rejects.csv").open()))
    assert [(row["sku"], row["quantity"], row["line"], row["column"], row["code"]) for row in rows] == [
        ("B", "many", "3", "quantity", "wrong_type"),
        ("C/D", "1", "4", "sku", "bad_name"),
    ]
    assert rows[0]["detail"] == "quantity must be a whole number"


def test_the_rejects_are_kept_also_when_nothing_was_imported(cli: Cli, tmp_path: Path) -> None:
    assert cli("inventory", "import", "-", "--rejects", str(tmp_path / "rejects.csv"), given=BAD).code == 2
    assert len((tmp_path / "rejects.csv").read_text().splitlines()) == 3


def test_a_file_that_is_there_is_not_taken_for_rejects(cli: Cli, tmp_path: Path) -> None:
    stock, rejects = tmp_path / "stock.csv", tmp_path / "rejects.csv"
    stock.write_text(BAD)
    rejects.write_text("old")
    ran = cli("inventory", "import", str(stock), "--rejects", str(rejects))
    assert ran.code == 2
    assert "is there already. Replace it? Say so with --yes" in ran.err
    assert rejects.read_text() == "old"
    assert cli("inventory", "import", str(stock), "--rejects", str(rejects), "--yes").code == 2
    assert rejects.read_text().startswith("sku,quantity,location,name,reason,reference,line,")


@pytest.mark.parametrize("what", ["inventory", "orders"])
def test_what_is_imported_is_never_taken_for_rejects_under_whatever_name(cli: Cli, tmp_path: Path, what: str) -> None:
    stock, link = tmp_path / "stock.csv", tmp_path / "link.csv"
    stock.write_text(BAD)
    link.symlink_to(stock)
    for file, rejects in ((stock, stock), (stock, link), (link, stock)):
        ran = cli(what, "import", str(file), "--rejects", str(rejects), "--yes")
        assert ran.code == 2
        assert ran.err == f"error: usage: {rejects} is what is imported; --rejects takes another file\n"
        assert stock.read_text() == BAD


def test_rejects_do_not_go_to_stdout(cli: Cli) -> None:
    ran = cli("inventory", "import", "-", "--rejects", "-", given=BAD)
    assert (ran.code, ran.err) == (2, "error: usage: --rejects takes a file; stdout is the report's\n")


def test_rejects_that_cannot_be_written_stop_the_start(cli: Cli, tmp_path: Path) -> None:
    ran = cli(
        "inventory", "import", "-", "--rejects", str(tmp_path / "no" / "rejects.csv"), given="sku,quantity\nA,5\n"
    )
    assert (ran.code, counts(cli)) == (2, {})
    assert ran.err.startswith("error: usage: cannot write ")


def test_what_the_stock_refuses_does_not_stop_the_rest_and_exits_8(cli: Cli) -> None:
    cli.stock("A", 10)
    cli.place(OrderLine(sku="A", quantity=4))
    ran = cli("inventory", "import", "-", given="sku,quantity\nA,3\nB,1\n")
    assert (ran.code, counts(cli)) == (8, {"A": 10, "B": 1})
    (line,) = ran.err.splitlines()
    assert line.startswith("line 2: stock_below_reserved: A main: on hand would be 3, but 4 are reserved; ")


def test_only_the_first_twenty_rejected_rows_are_told(cli: Cli, tmp_path: Path) -> None:
    bad = "sku,quantity\n" + "".join(f"SKU-{number},x\n" for number in range(30))
    lines = cli("inventory", "import", "-", given=bad).err.splitlines()
    assert [line.partition(",")[0] for line in lines[:20]] == [f"line {number}" for number in range(2, 22)]
    assert lines[20] == "and 10 more rows; --rejects FILE keeps them all"
    assert lines[21].startswith("error: validation_error: 30 of 30 rows are malformed")
    assert len(lines) == 22
    lines = cli("inventory", "import", "-", "--rejects", str(tmp_path / "r.csv"), given=bad).err.splitlines()
    assert lines[20] == "and 10 more rows"
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 31


def test_a_rehearsal_decides_everything_and_changes_nothing(cli: Cli) -> None:
    cli.stock("A", 10)
    ran = cli("inventory", "import", "-", "--dry-run", given="sku,quantity\nA,3\nB,1\n")
    assert ran.code == 0
    assert ran.out.startswith("would import 2 rows in ")
    assert counts(cli) == {"A": 10}


def test_differences_are_added_once_under_a_key(cli: Cli) -> None:
    cli.stock("A", 10)
    adjust = ("inventory", "import", "-", "--mode", "adjust", "--idempotency-key", "k", "--reason", "recount")
    for _ in range(2):
        ran = cli(*adjust, given="sku,quantity\nA,-3\nA,1\n")
        assert (ran.code, counts(cli)) == (0, {"A": 8})
        assert ": 2 applied, 0 unchanged, 0 rejected\n" in ran.out
    ran = cli(*adjust, given="sku,quantity\nA,-4\n")
    assert (ran.code, counts(cli)) == (2, {"A": 8})
    assert ran.err.startswith("error: idempotency_key_reused: ")


def test_differences_need_a_key(cli: Cli) -> None:
    ran = cli("inventory", "import", "-", "--mode", "adjust", "--reason", "r", given="sku,quantity\nA,-3\n")
    assert ran.code == 2
    assert ran.err.startswith("error: validation_error: /idempotency_key: is required to adjust")


@pytest.mark.parametrize("size", ["0", "20001", "many"])
def test_a_batch_size_out_of_bounds_is_refused(cli: Cli, size: str) -> None:
    ran = cli("inventory", "import", "-", "--batch-size", size, given="sku,quantity\nA,1\n")
    assert (ran.code, ran.out, counts(cli)) == (2, "", {})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"sku\nA\n",
        b"sku,quantity,colour\nA,1,red\n",
        b"sku,quantity,quantity\nA,1,1\n",
        b"sku;quantity\nA;1\n",
        b'[{"sku": "A", "quantity": 1}]\n',
        "sku,quantity\nA,1\n".encode("utf-16"),
        b"sku,quantity\nA\n",
        b"sku,quantity\nA,1,2\n",
        b"sku,quantity\n\xff,1\n",
        b"sku,quantity\nA\x00,1\n",
        b'sku,quantity\n"A,1\n',
        b"sku,quantity\nA,1\nA,2\n",
        b"sku,quantity\nA,1000000000001\n",
        b"sku,quantity\nA,1.5\n",
        b"sku,quantity\nA,-1\n",
        b"sku,quantity\nA,NaN\n",
        b"sku,quantity\n,1\n",
        b"sku,quantity\n" + b"A" * 10_000_000 + b",1\n",
        b'{"sku": "A"}\n',
        b'{"sku": "A", "quantity": true}\n',
        b'{"sku": "A", "quantity": 1, "quantity": 2}\n',
        b'{"sku": "A", "quantity": 1e400}\n',
        b'{"sku": "A", "quantity": 1\n',
        b'{"sku": "\\ud800", "quantity": 1}\n',
    ],
    ids=lambda content: ascii(content)[2:60],
)
def test_bad_input_is_refused_on_few_lines_and_changes_nothing(cli: Cli, content: bytes) -> None:
    ran = cli("inventory", "import", "-", given=content)
    assert (ran.code, ran.out, counts(cli)) == (2, "", {})
    assert ran.err.splitlines()[-1].startswith(("error: ", "  /"))
    assert ran.err.replace("\n", "").isprintable()
    assert len(ran.err) < 1_000


@pytest.mark.parametrize("output", ["csv", "jsonl"])
def test_an_export_can_be_imported_and_changes_nothing(cli: Cli, output: str) -> None:
    cli.stock("A", 10, name='2" pipe, grey', low_stock_threshold=3)
    cli.stock("A", 5, location="berlin")
    cli.stock("Б-漢 x", 0)
    cli.oms.stock.set(SetStock(sku="never counted"), caller=cli.caller)
    cli.place(OrderLine(sku="A", quantity=4))
    before = cli("inventory", "list", "-o", "json").out
    exported = cli("inventory", "export", "-o", output).out
    report = cli("inventory", "import", "-", "-o", "json", given=exported).json
    assert (report["rows"], report["unchanged"]) == (3, 3)
    assert cli("inventory", "list", "-o", "json").out == before


def test_what_a_table_has_created_is_named_so_that_a_typo_is_seen(cli: Cli) -> None:
    cli.stock("A", 1)
    rows = "sku,quantity,location\nA,5,main\nTotal,5,main\nB,1,nrth\n,,\n"
    ran = cli("inventory", "import", "-", "--dry-run", given=rows)
    assert ran.out.endswith("would create 2 products: B, Total\nnew locations: nrth\npassed over 1 empty row\n")
    assert cli("inventory", "import", "-", given=rows).out.splitlines()[1:] == [
        "created 2 products: B, Total",
        "new locations: nrth",
        "passed over 1 empty row",
    ]


def test_many_that_were_created_are_counted_and_the_first_named(cli: Cli) -> None:
    rows = "sku,quantity\n" + "".join(f"S{number:02},1\n" for number in range(30))
    out = cli("inventory", "import", "-", "--batch-size", "7", given=rows).out
    assert out.splitlines()[1].startswith("created 30 products: S00, S01, ")
    assert out.splitlines()[1].endswith(", S19 and 10 more")


def test_nothing_is_created_where_only_what_is_there_may_be_counted(cli: Cli) -> None:
    cli.stock("A", 1)
    rows = "sku,quantity,location\nA,5,main\nTotal,5,main\n"
    ran = cli("inventory", "import", "-", "--existing-only", given=rows)
    assert (ran.code, counts(cli)) == (8, {"A": 5})
    assert ran.err == "line 3: sku_not_found: no product has the SKU Total\n"
    ran = cli("inventory", "import", "-", "--existing-only", given="sku,quantity,location\nA,6,nrth\n")
    assert (ran.code, counts(cli)) == (2, {"A": 5})
    assert "is no location of OMS_LOCATIONS" in ran.err


def test_a_repeated_import_says_that_it_was_one(cli: Cli) -> None:
    command = ("inventory", "import", "-", "--idempotency-key", "K")
    rows = "sku,quantity\nA,5\nB,3\n"
    assert cli(*command, given=rows).out.startswith("imported 2 rows in ")
    again = cli(*command, given=rows)
    assert again.code == 0
    assert again.out.startswith("imported before with this key: 2 rows in ")
    assert cli(*command, "-o", "json", given=rows).json["replayed"] == 2
