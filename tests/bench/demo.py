"""The promise, shown: 1,000 buyers at once for 100 units of one product, and an audit of the books. `make demo`."""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, Settings
from tests.bench.crowd import Crowd, send_crowd
from tests.bench.demo_verdict import Verdict
from tests.bench.served import Served, served

_CALLER = Caller(name="demo", scopes=ALL_SCOPES)


def main(arguments: list[str] | None = None) -> int:
    """Run the demonstration; the exit code is 1 if the promise is broken, 2 if it cannot run."""
    chosen = _parser().parse_args(arguments)
    messages = Console(stderr=True)
    with contextlib.ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="oms-demo-")))
        database_url = chosen.database_url or f"sqlite:///{folder}/demo.db"
        try:
            service = ending.enter_context(served(folder, {"OMS_DATABASE_URL": database_url}))
            verdict = _sell(chosen, service, database_url, messages)
        except (OmsError, OSError) as error:
            messages.print(Text(str(error), style="red"), soft_wrap=True)
            return 2
    Console().print(verdict.show())
    if chosen.record:
        chosen.record.write_text(f"{json.dumps(recorded(verdict))}\n")
    return 1 if verdict.faults() else 0


def recorded(verdict: Verdict) -> dict[str, object]:
    """Return a sale as docs/pictures.py draws it: the tenths of a millisecond to each answer, by what it was."""
    bought = verdict.sale.bought
    began = min(entry.answered_at - entry.seconds for entry in bought)
    answers: dict[str, list[int]] = {}
    for entry in sorted(bought, key=lambda entry: entry.answered_at):
        answers.setdefault(entry.outcome, []).append(round((entry.answered_at - began) * 10_000))
    return {"units": verdict.units, "connections": verdict.connections, "answers": answers}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.demo", description=__doc__)
    parser.add_argument("--units", type=_positive, default=100, help="units in stock (%(default)s)")
    parser.add_argument("--buyers", type=_positive, default=1_000, help="buyers of one unit each (%(default)s)")
    parser.add_argument("--connections", type=_positive, default=200, help="connections at once (%(default)s)")
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="write when who was told what, for docs/pictures.py"
    )
    parser.add_argument("--database-url", help="an upgraded database, instead of a temporary SQLite file")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _sell(chosen: argparse.Namespace, service: Served, database_url: str, messages: Console) -> Verdict:
    sku = f"HOT-{secrets.token_hex(4)}"  # A database may have seen a demonstration before.
    status, body = service.ask("PUT", f"/v1/inventory/{sku}", {"on_hand": chosen.units, "name": "What everybody wants"})
    if status >= 400:
        raise OSError(f"the product could not be stocked: {status} {body.decode()}")
    messages.print(f"{chosen.units:,} units of {sku} in stock; {chosen.buyers:,} buyers are on their way")
    sale = send_crowd(
        Crowd(host=service.host, port=service.port, sku=sku, buyers=chosen.buyers, connections=chosen.connections)
    )
    with Oms.open(Settings(database_url=database_url), create=False) as oms:
        product = oms.stock.get(sku, caller=_CALLER)
        audit = oms.audit(caller=_CALLER)
    return Verdict(units=chosen.units, connections=chosen.connections, sale=sale, product=product, audit=audit)


if __name__ == "__main__":
    sys.exit(main())
