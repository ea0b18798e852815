"""Files as spreadsheets, tools and people make them, and imports that are stopped."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oms_memory import MemoryStorage
from oms_memory.imports import MemoryImports

from oms_cli.terminal.progress import Pace
from oms_core.domain.stock.import_decisions import BatchResult
from oms_core.use_cases.imports.imports import Imports
from tests.cli.conftest import Cli

STOCK = "Artikel;Bestand;Farbe\nGröße-1;5;rot\nB;3;\n"
MAP = ("--map", "sku=artikel", "--map", "quantity=Bestand")


def counts(cli: Cli) -> dict[str, int]:
    return {product.sku: product.on_hand for product in cli.oms.stock.list(caller=cli.caller).items}


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (STOCK.encode("cp1252"), ("--encoding", "cp1252", "--delimiter", ";")),
        (STOCK.replace(";", "\t").encode("utf-16"), ("--encoding", "UTF-16", "--delimiter", "tab")),
        (STOCK.replace(";", "\t").encode(), ("--delimiter", r"\t")),
        (gzip.compress(STOCK.encode(), mtime=0), ("--delimiter", ";")),
        (gzip.compress(STOCK.encode("utf-16"), mtime=0), ("--delimiter", ";", "--encoding", "utf-16")),
    ],
)
def test_stock_is_read_in_the_format_that_is_named(cli: Cli, content: bytes, options: tuple[str, ...]) -> None:
    ran = cli("inventory", "import", "-", *MAP, *options, given=content)
    assert (ran.code, ran.err) == (0, "")
    assert counts(cli) == {"Größe-1": 5, "B": 3}


def test_orders_are_read_in_the_format_that_is_named(cli: Cli, tmp_path: Path) -> None:
    cli.stock("WIDGET", 10)
    (tmp_path / "orders.csv.gz").write_bytes(
        gzip.compress(b"Beleg;customer_id;sku;quantity\nR1;C1;WIDGET;2\n", mtime=0)
    )
    file = str(tmp_path / "orders.csv.gz")
    ran = cli("orders", "import", file, "--map", "reference=Beleg", "--delimiter", ";")
    assert (ran.code, ran.err) == (0, "")
    (order,) = cli.oms.orders.list(caller=cli.caller).items
    assert (order.reference, order.lines[0].quantity) == ("R1", 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--delimiter", ""), "delimiter"),
        (("--delimiter", ";;"), "delimiter"),
        (("--delimiter", '"'), "delimiter"),
        (("--encoding", "klingon"), "'klingon' is no encoding such as utf-16 or cp1252"),
        (("--map", "colour=Farbe"), "maps 'colour'"),
        ((), "the columns seem to be separated by a semicolon, not by a comma"),
    ],
)
def test_what_makes_no_sense_is_refused_on_one_line(cli: Cli, options: tuple[str, ...], said: str) -> None:
    ran = cli("inventory", "import", "-", *options, given="sku;quantity\nA;1\n")
    assert (ran.code, ran.out, counts(cli)) == (2, "", {})
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("mended", ["B,4,", "\tB ,4,"])
def test_rejects_are_mended_and_imported(cli: Cli, tmp_path: Path, mended: str) -> None:
    rejects = tmp_path / "rejects.csv"
    cli("inventory", "import", "-", "--skip-bad", "--rejects", str(rejects), given="sku,quantity\nA,5\nB,many\n")
    rejects.write_text(rejects.read_text().replace("B,many,", mended.strip().replace(" ", "")))
    ran = cli("inventory", "import", str(rejects))
    assert (ran.code, ran.err, counts(cli)) == (0, "", {"A": 5, "B": 4})


class Interrupted(MemoryImports):
    """Imports during whose second batch Ctrl-C is pressed."""

    batches = 0

    def _decide(self, batch: Any) -> Any:
        self.batches += 1
        if self.batches == 2:
            raise KeyboardInterrupt
        return super()._decide(batch)


def test_ctrl_c_says_how_far_it_came_and_that_the_same_command_goes_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = cli.oms._ports.storage
    assert isinstance(storage, MemoryStorage)
    monkeypatch.setattr(storage, "imports", Interrupted(storage.tables))
    command = ("inventory", "import", "-", "--batch-size", "2", "--idempotency-key", "K1")
    rows = "sku,quantity\n" + "".join(f"S{number},1\n" for number in range(5))
    ran = cli(*command, given=rows)
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "stopped: at least 2 of 5 are done; the same command goes on after them\n"
    assert len(counts(cli)) == 2
    assert cli(*command, given=rows).code == 0
    assert len(counts(cli)) == 5


def test_ctrl_c_in_a_rehearsal_says_that_nothing_was_changed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = cli.oms._ports.storage
    assert isinstance(storage, MemoryStorage)
    monkeypatch.setattr(storage, "imports", Interrupted(storage.tables))
    rows = "sku,quantity\n" + "".join(f"S{number},1\n" for number in range(5))
    ran = cli("inventory", "import", "-", "--batch-size", "2", "--dry-run", given=rows)
    assert (ran.code, ran.err) == (130, "stopped while deciding, after 2: nothing was changed\n")


def test_ctrl_c_while_the_file_is_read_says_that_nothing_was_changed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> Iterator[BatchResult]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Imports, "stock", interrupt)
    ran = cli("inventory", "import", "-", given="sku,quantity\nA,1\n")
    assert (ran.code, ran.out, ran.err) == (130, "", "stopped while reading, after 0: nothing was changed\n")


def test_a_bar_says_how_much_of_how_much_how_fast_and_how_long_yet() -> None:
    pace = Pace(began=100.0, description="reading")
    assert pace.figures(1_000_000, 4_000_000, "reading", 100.1, is_bytes=True) == "1.0/4.0 MB"
    assert pace.figures(2_000_000, 4_000_000, None, 102.0, is_bytes=True) == "2.0/4.0 MB, 1.0 MB/s, 0:00:02 left"
    assert pace.figures(0, 90_000, "applying", 110.0, is_bytes=False) == "0/90,000"
    assert pace.figures(30_000, 90_000, "applying", 120.0, is_bytes=False) == "30,000/90,000, 3,000/s, 0:00:20 left"
    assert pace.figures(40_000, None, "applying", 120.0, is_bytes=False) == "40,000, 4,000/s"
