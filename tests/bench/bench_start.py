"""Times short runs of `oms`, each beside `python -c pass` in turn: what a person waits for before anything happens.

`python -m tests.bench.bench_start`; milliseconds above `python -c pass`, one figure a round.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.checkouts import Checkout, checkouts, environment
from tests.bench.options import add_base, options_of_rounds
from tests.bench.results import Column, Results, ResultTable

COMMANDS = (("--help",), ("inventory", "list"))
COLUMNS = (Column(name="command"), Column(name="ms above python -c pass", form="{:,.0f}"))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options_of_rounds(__doc__, rounds=21)
    add_base(parser)
    given = parser.parse_args(argv)
    compared = checkouts(given.base)
    with tempfile.TemporaryDirectory() as folder:
        urls = {each: f"sqlite:///{folder}/{number}.db" for number, each in enumerate(compared)}
        for checkout, url in urls.items():
            checkout.stock(url, {"A": 1})
        rounds = [
            {(words, each): above_nothing(each, words, urls[each]) for words in COMMANDS for each in compared}
            for _ in range(given.rounds)
        ]
    rows = [
        [", ".join(filter(None, (f"oms {' '.join(words)}", checkout.name))), [each[words, checkout] for each in rounds]]
        for words, checkout in rounds[0]
    ]
    table = ResultTable(title="The start of a command", columns=COLUMNS, rows=rows)
    Results(command="python -m tests.bench.bench_start", tables={"start": table}).give(given.json)


def above_nothing(checkout: Checkout, words: Sequence[str], url: str) -> float:
    """Run a command after one that does nothing; give the milliseconds that it took longer."""
    variables = environment({"OMS_DATABASE_URL": url})
    nothing = milliseconds((checkout.python, "-c", "pass"), variables)
    return milliseconds((checkout.program, *words), variables) - nothing


def milliseconds(command: Sequence[str | Path], variables: Mapping[str, str]) -> float:
    """Run a command to its end."""
    begun = time.perf_counter()
    subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begun) * 1_000


if __name__ == "__main__":
    main()
