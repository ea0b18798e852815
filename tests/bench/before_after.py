"""What a change costs: this checkout beside another one, in turns; ratios of rates and of processor time, this to that.

python -m tests.bench.before_after OTHER_CHECKOUT [--pairs N]; both have their .venv (`make install`). It places orders
over WSGI, in batches and by a worker, on SQLite and on PostgreSQL, and starts `oms --help`. It is written for the names
of the library before and after the parts of Oms, so that it can compare the two.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.postgresql import postgresql_server

ROOT = Path(__file__).parents[2]
SIDE = Path(__file__).with_name("one_side.py")
WORKS = ("post", "batch", "drain")


def rates(checkout: Path, work: str, url: str) -> tuple[float, float]:
    """Run one side; orders a second, and orders a second of processor time."""
    python = checkout / ".venv" / "bin" / "python"
    variables = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), str(SIDE), work, url]
    done = subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True, check=True)
    rate, processor = done.stdout.split()
    return float(rate), float(processor)


def start_seconds(checkout: Path) -> float:
    """Start `oms --help`; the seconds that it takes."""
    begun = time.perf_counter()
    subprocess.run([str(checkout / ".venv" / "bin" / "oms"), "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


@contextmanager
def database(kind: str) -> Iterator[str]:
    """Make an empty database; its URL."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/bench.db"
        return
    with postgresql_server() as server, server.database() as url:
        yield url


def compare(other: Path, work: str, kind: str, pairs: int) -> str:
    """Take turns, each side first in every second pair; a row of the table."""
    found = []
    for number in range(pairs):
        got = {}
        for checkout in (ROOT, other) if number % 2 else (other, ROOT):
            with database(kind) as url:
                got[checkout] = rates(checkout, work, url)
        found.append([this / that for this, that in zip(got[ROOT], got[other], strict=True)])
    by_rate, by_processor = (sorted(column) for column in zip(*found, strict=True))
    shown = [
        f"{statistics.median(column):.2f} ({column[0]:.2f} to {column[-1]:.2f})" for column in (by_rate, by_processor)
    ]
    return f"| {work} | {kind} | {shown[0]} | {shown[1]} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare this checkout with another one.")
    parser.add_argument("other", type=Path)
    parser.add_argument("--pairs", type=int, default=7)
    given = parser.parse_args()
    print("| work | database | rate | orders per processor second |\n|---|---|---|---|")
    for work in WORKS:
        for kind in ("sqlite", "postgresql"):
            print(compare(given.other.resolve(), work, kind, given.pairs), flush=True)
    starts = [start_seconds(given.other) / start_seconds(ROOT) for _ in range(4 * given.pairs)]
    print(f"| `oms --help` | | {statistics.median(starts):.2f} ({min(starts):.2f} to {max(starts):.2f}) | |")


if __name__ == "__main__":
    sys.exit(main())
