"""However many rows of an import are bad, it holds few of them at once, by the system's account of a real process."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

OMS = str(Path(sys.executable).with_name("oms"))
PARTLY_DONE = 8  # The exit code of an import that went through but for some rows.
ROW_COUNT = {"inventory": "rows", "orders": "orders"}
KIB_PER_MIB = 1024
# Linux counts what a process held before it became another program, so that must not be this large one.
ACCOUNTANT = """
import resource, subprocess, sys
with open(sys.argv[1], "wb") as output, open(sys.argv[2], "wb") as errors:
    code = subprocess.run(sys.argv[3:], stdin=subprocess.DEVNULL, stdout=output, stderr=errors).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
# What many rows add to one: some 18 MiB, however many; with the spool in memory 400,000 already add more than 40.
GROWTH_MIB_MAX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file of `rows` rows that are all bad, and the command that reads it."""

    command: tuple[str, ...]
    options: tuple[str, ...]
    header: str
    row: Callable[[int], str]
    rows: int
    code: str


CASES = {
    "malformed stock": Case(
        command=("inventory", "import"),
        options=("--skip-bad",),
        header="sku,quantity\n",
        row=lambda number: f"SKU-{number:07d},minus {number}\n",
        rows=1_000_000,
        code="wrong_type",
    ),
    "malformed orders": Case(
        command=("orders", "import"),
        options=("--skip-bad",),
        header="",
        row=lambda number: f'{{"customer_id":"C1","reference":"R{number}","lines":[]}}\n',
        rows=400_000,
        code="wrong_length",
    ),
    "stock that the present state refuses": Case(
        command=("inventory", "import"),
        options=("--mode", "adjust", "--reason", "lost", "--idempotency-key", "K-1"),
        header="sku,quantity\n",
        row=lambda number: f"SKU-{number:07d},-1\n",
        rows=400_000,
        code="sku_not_found",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_rows_that_are_all_bad_are_told_one_by_one_in_bounded_memory(case: Case, tmp_path: Path) -> None:
    growth = peak_mib(case, case.rows, tmp_path / "many") - peak_mib(case, 1, tmp_path / "one")
    assert growth < GROWTH_MIB_MAX


def peak_mib(case: Case, rows: int, folder: Path) -> float:
    """Import that many bad rows into a new SQLite file, see each among the rejects, and give the most memory held."""
    folder.mkdir()
    file, rejects = folder / "rows", folder / "rejects.csv"
    with file.open("w") as out:
        out.write(case.header)
        out.writelines(case.row(number) for number in range(rows))
    database = ["--database-url", f"sqlite:///{folder}/oms.db"]
    subprocess.run([OMS, "db", "upgrade", *database], check=True, capture_output=True, cwd=folder)
    report, errors = folder / "report.json", folder / "errors"
    options = [*case.options, "--rejects", str(rejects), "--output", "json", *database]
    command = [str(report), str(errors), OMS, *case.command, str(file), *options]
    accounted = subprocess.run(
        [sys.executable, "-I", "-c", ACCOUNTANT, *command], check=True, capture_output=True, text=True, cwd=folder
    )
    code, peak_kib = map(int, accounted.stdout.split())
    assert code == PARTLY_DONE, errors.read_text()
    assert json.loads(report.read_bytes())[ROW_COUNT[case.command[0]]] == rows
    with rejects.open(newline="") as told:
        codes = [reject["code"] for reject in csv.DictReader(told)]
    assert (len(codes), set(codes)) == (rows, {case.code})
    return peak_kib / KIB_PER_MIB
