"""Compares `oms inventory import` of a million rows with psql: \\copy into a temporary table, then one sorted merge.

`python -m tests.bench.bench_import`; both write the same products, levels and movements into fresh databases, in turn,
and only ratios of one round mean anything. Also shown: the memory of the import above that of an idle `oms`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.checkouts import HERE, BooksWrong, Checkout, checkouts, environment
from tests.bench.options import add_base, options_of_rounds
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected

FLOOR = Path(__file__).with_name("import_floor.sql")
PSQL = "psql"
KIB_PER_MIB = 1024
PRIME = 7_919  # It does not divide the number of rows, so every SKU comes once.
COLUMNS = (
    Column(name="import by"),
    Column(name="rows/s", form="{:,.0f}"),
    Column(name="peak MiB", form="{:,.0f}"),
    Column(name="to psql", form="{:.0%}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One import: how long it took, and the most memory its process held."""

    seconds: float
    peak_mib: float


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options_of_rounds(__doc__, rounds=2)
    add_base(parser)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args(argv)
    compared = checkouts(given.base)
    with postgresql_server() as server, tempfile.TemporaryDirectory() as folder:
        file, one_row = Path(folder) / "stock.csv", Path(folder) / "one.csv"
        write_rows(file, given.rows)
        write_rows(one_row, 1)
        rounds = [
            {PSQL: import_with_psql(server, file)}
            | {name_of(each): import_with_oms(server, each, file, given.rows) for each in compared}
            for _ in range(given.rounds)
        ]
        idle = import_with_oms(server, HERE, one_row, 1)
    table = table_of(rounds, idle, given.rows)
    Results(command="python -m tests.bench.bench_import", tables={"import": table}).give(given.json)


def name_of(checkout: Checkout) -> str:
    """Name a contender."""
    return f"oms, {checkout.name}" if checkout.name else "oms"


def write_rows(file: Path, rows: int) -> None:
    """Write counts of distinct SKUs, in an order that is not theirs."""
    with file.open("w") as out:
        out.write("sku,quantity\n")
        out.writelines(f"SKU-{number * PRIME % rows:07d},{number % 1_000 + 1}\n" for number in range(rows))


def import_with_psql(server: PostgresqlServer, file: Path) -> Run:
    """The floor: no validation, one transaction."""
    with server.database() as url:
        HERE.oms("db", "upgrade", url=url)
        return run(["psql", url, "--quiet", "--no-psqlrc", "--file", str(FLOOR)], os.environ, given=file)


def import_with_oms(server: PostgresqlServer, checkout: Checkout, file: Path, rows: int) -> Run:
    """The command as a person would give it; afterwards the books must be right."""
    with server.database() as url:
        checkout.oms("db", "upgrade", url=url)
        command = [str(checkout.program), "inventory", "import", str(file), "-o", "json"]
        imported = run(command, environment({"OMS_DATABASE_URL": url}))
        checkout.check_books(url)
        with connected(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM stock_levels")
            if cursor.fetchone() != (rows,):
                raise BooksWrong(f"{file} has {rows} rows")
    return imported


def run(command: list[str], variables: Mapping[str, str], *, given: Path = Path(os.devnull)) -> Run:
    """Run a command to its end, with a file as its standard input; the system accounts for its time and memory."""
    begun = time.perf_counter()
    with given.open("rb") as standard_input:
        process = subprocess.Popen(command, env=variables, stdin=standard_input, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return Run(seconds=time.perf_counter() - begun, peak_mib=used.ru_maxrss / KIB_PER_MIB)


def table_of(rounds: Sequence[Mapping[str, Run]], idle: Run, rows: int) -> ResultTable:
    """Show the rounds, their ratios, and the memory of an `oms` that imports one row."""
    shown: list[list[Cell]] = []
    for name in rounds[0]:
        runs, floors = ([each[contender] for each in rounds] for contender in (name, PSQL))
        ratios = [floor.seconds / run.seconds for floor, run in zip(floors, runs, strict=True)]
        shown.append([name, [rows / run.seconds for run in runs], [run.peak_mib for run in runs], ratios])
    shown.append(["oms, one row", "", idle.peak_mib, ""])
    return ResultTable(title=f"Import of {rows:,} rows into PostgreSQL", columns=COLUMNS, rows=shown)


if __name__ == "__main__":
    main()
