"""Compares `oms inventory import` of a million rows with psql: \\copy into a temporary table, then one sorted merge.

`python -m tests.bench.bench_import`; both write the same products, levels and movements into fresh databases, in turn,
and only ratios of one round mean anything. Also shown: the memory of the import above that of an idle `oms`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from oms_core import ALL_SCOPES, Caller, Oms, Settings
from tests.bench.postgresql import postgresql_server
from tests.services.databases import PostgresqlServer

FLOOR = Path(__file__).with_name("import_floor.sql")
OMS = str(Path(sys.executable).with_name("oms"))
KIB_PER_MIB = 1024
PRIME = 7_919  # It does not divide the number of rows, so every SKU comes once.
AUDITOR = Caller(name="bench", scopes=ALL_SCOPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One import: how long it took, and the most memory its process held."""

    seconds: float
    peak_mib: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    with postgresql_server() as server, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stock.csv"
        write_rows(file, given.rows)
        rounds = [
            (import_with_psql(server, file), import_with_oms(server, file, given.rows)) for _ in range(given.rounds)
        ]
        one_row = Path(folder) / "one.csv"
        write_rows(one_row, 1)
        idle = import_with_oms(server, one_row, 1)
    Console(width=120).print(table_of(rounds, idle, given.rows))


def write_rows(file: Path, rows: int) -> None:
    """Write counts of distinct SKUs, in an order that is not theirs."""
    with file.open("w") as out:
        out.write("sku,quantity\n")
        out.writelines(f"SKU-{number * PRIME % rows:07d},{number % 1_000 + 1}\n" for number in range(rows))


def import_with_psql(server: PostgresqlServer, file: Path) -> Run:
    """The floor: no validation, one transaction."""
    with server.database() as url:
        upgrade(url)
        return run(["psql", url, "--quiet", "--no-psqlrc", "--file", str(FLOOR)], {}, given=file)


def import_with_oms(server: PostgresqlServer, file: Path, rows: int) -> Run:
    """The command as a person would give it; afterwards the books must be right."""
    with server.database() as url:
        upgrade(url)
        imported = run([OMS, "inventory", "import", str(file), "-o", "json"], {"OMS_DATABASE_URL": url})
        with Oms.open(Settings(database_url=url)) as oms:
            audited = oms.audit(caller=AUDITOR)
        if audited.discrepancies or audited.levels != rows:
            sys.exit(f"the books are wrong: {audited}")
    return imported


def upgrade(url: str) -> None:
    """Make the schema."""
    with Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()


def run(command: list[str], environment: dict[str, str], *, given: Path = Path(os.devnull)) -> Run:
    """Run a command to its end, with a file as its standard input; the system accounts for its time and memory."""
    begun = time.perf_counter()
    with given.open("rb") as standard_input:
        process = subprocess.Popen(
            command, env=os.environ | environment, stdin=standard_input, stdout=subprocess.DEVNULL
        )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return Run(seconds=time.perf_counter() - begun, peak_mib=used.ru_maxrss / KIB_PER_MIB)


def table_of(rounds: list[tuple[Run, Run]], idle: Run, rows: int) -> Table:
    """Show medians, the median of the rounds' ratios, and the memory above an `oms` that imports one row."""
    table = Table(title=f"Import of {rows:,} rows into PostgreSQL, {len(rounds)} rounds")
    for column in ("", "rows/s", "peak MiB"):
        table.add_column(column, justify="right")
    for name, runs in zip(("psql", "oms"), zip(*rounds, strict=True), strict=True):
        rate = statistics.median(rows / run.seconds for run in runs)
        table.add_row(name, f"{rate:,.0f}", f"{max(run.peak_mib for run in runs):.0f}")
    ratio = statistics.median(floor.seconds / ours.seconds for floor, ours in rounds)
    above = max(ours.peak_mib for _, ours in rounds) - idle.peak_mib
    table.add_row("oms to psql", f"{ratio:.0%}", f"{above:+.0f} to idle", style="bold")
    return table


if __name__ == "__main__":
    main()
