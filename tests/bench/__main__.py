"""All measurements, one after another, on servers of their own: `make bench`, or `python -m tests.bench --only NAME`.

Each part prints its tables and writes docs/measurements/NAME.json, from which `make docs` draws the page and its plots.
--base CHECKOUT measures another checkout beside this one. At the end, what was to be reached stands beside what was.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console

from tests.bench.goals import FOLDER, goal_table
from tests.bench.machine import described, private_servers
from tests.bench.parts import PARTS, Part
from tests.bench.results import Column, Results, ResultTable
from tests.services.wheels import ROOT

# Nothing is measured then, and most parts wait for something.
QUICK_AT_ONCE = 4
# To fill a database to 5,000,000 orders takes longer than all other parts together.
GROWTH = (0, 1_000_000)
NAMES = [part.name for part in PARTS]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; the exit code is 1 when one of them failed, after all others."""
    given = parsed(argv)
    given.folder.mkdir(exist_ok=True)
    with private_servers(), ThreadPoolExecutor(QUICK_AT_ONCE if given.quick else 1) as threads:
        if not given.only:
            machine().give(given.folder / "machine.json")
        chosen = [part for part in PARTS if part.name in (given.only or NAMES)]
        succeeded = list(threads.map(lambda part: run(part, given), chosen))
    Console(width=200).print(goal_table(given.folder).for_terminal())
    failed = [part.name for part, is_well in zip(chosen, succeeded, strict=True) if not is_well]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(part: Part, given: argparse.Namespace) -> bool:
    """Run a part in a process of its own and print what it said, in one piece. Return whether it succeeded."""
    began = time.perf_counter()
    command = [sys.executable, "-m", part.module, *words_of(part, given)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"== {part.name}, {time.perf_counter() - began:.0f} s\n{done.stdout}", flush=True)
    return not done.returncode


def machine() -> Results:
    """Say what everything is measured on."""
    columns = [Column(name="measured on"), Column(name="")]
    table = ResultTable(title="Measured on", columns=columns, rows=list(described().items()))
    return Results(command="make bench", tables={"machine": table})


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="each part shortly: does it run, not how fast")
    parser.add_argument("--base", type=Path, metavar="CHECKOUT", help="another checkout with its .venv, to compare")
    parser.add_argument(
        "--growth",
        type=int,
        nargs="+",
        default=GROWTH,
        metavar="ORDERS",
        help="the sizes at which growth is measured (%(default)s)",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the JSON files go (%(default)s)")
    return parser.parse_args(argv)


def words_of(part: Part, given: argparse.Namespace) -> list[str]:
    """Make a part's arguments."""
    words = [*(part.quick if given.quick else part.words), "--json", str(given.folder / f"{part.name}.json")]
    if part.name == "growth" and not given.quick:
        words += ["--orders", *map(str, given.growth)]
    return [*words, "--base", str(given.base)] if given.base and part.compares else words


if __name__ == "__main__":
    sys.exit(main())
