"""The promise, shown in two acts, with an audit of the books after each. `make demo`.

1,000 buyers at once want 100 units of one product. Then 5,000 hold one of 500 units, of whom a third never pays.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderFilter, OrderStatus, Settings
from tests.bench.crowd import Crowd, send_crowd
from tests.bench.demo_drop import Drop, send_rush
from tests.bench.demo_verdict import Verdict
from tests.bench.served import Served, served

_CALLER = Caller(name="demo", scopes=ALL_SCOPES)


def main(arguments: list[str] | None = None) -> int:
    """Run the demonstration; the exit code is 1 if the promise is broken, 2 if it cannot run."""
    chosen = _parser().parse_args(arguments)
    messages = Console(stderr=True)
    faults: list[str] = []
    with contextlib.ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="oms-demo-")))
        database_url = chosen.database_url or f"sqlite:///{folder}/demo.db"
        try:
            service = ending.enter_context(served(folder, {"OMS_DATABASE_URL": database_url}))
            for act in (_sell, _drop):
                shown = act(chosen, _Stage(service=service, database_url=database_url, messages=messages))
                Console().print(shown.show())
                faults += shown.faults()
        except (OmsError, OSError) as error:
            messages.print(Text(str(error), style="red"), soft_wrap=True)
            return 2
    return 1 if faults else 0


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
    parser.add_argument("--drop-units", type=_positive, default=500, help="units of the drop (%(default)s)")
    parser.add_argument("--drop-buyers", type=_positive, default=5_000, help="who hold one each (%(default)s)")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """The running service, its database, and where to say what happens."""

    service: Served
    database_url: str
    messages: Console

    def stock(self, units: int, buyers: int) -> str:
        """Stock a new product, which a database that has seen a demonstration before does not have; say who comes."""
        sku = f"HOT-{secrets.token_hex(4)}"
        product = {"on_hand": units, "name": "What everybody wants"}
        status, body = self.service.ask("PUT", f"/v1/inventory/{sku}", product)
        if status >= 400:
            raise OSError(f"the product could not be stocked: {status} {body.decode()}")
        self.messages.print(f"{units:,} units of {sku} in stock; {buyers:,} buyers are on their way")
        return sku

    def crowd(self, sku: str, buyers: int, connections: int) -> Crowd:
        return Crowd(
            host=self.service.host, port=self.service.port, sku=sku, buyers=range(buyers), connections=connections
        )


def _sell(chosen: argparse.Namespace, stage: _Stage) -> Verdict:
    """Let everybody buy."""
    sku = stage.stock(chosen.units, chosen.buyers)
    sale = send_crowd(stage.crowd(sku, chosen.buyers, chosen.connections))
    with Oms.open(Settings(database_url=stage.database_url), create=False) as oms:
        product = oms.stock.get(sku, caller=_CALLER)
        audit = oms.audit(caller=_CALLER)
    verdict = Verdict(units=chosen.units, connections=chosen.connections, sale=sale, product=product, audit=audit)
    if chosen.record:
        chosen.record.write_text(f"{json.dumps(recorded(verdict))}\n")
    return verdict


def _drop(chosen: argparse.Namespace, stage: _Stage) -> Drop:
    """Let everybody hold, a third never pay, and the others come again."""
    sku = stage.stock(chosen.drop_units, chosen.drop_buyers)
    rush = send_rush(stage.service, stage.crowd(sku, chosen.drop_buyers, chosen.connections))
    with Oms.open(Settings(database_url=stage.database_url), create=False) as oms:
        expired = OrderFilter(statuses=frozenset({OrderStatus.EXPIRED}), sku=sku)
        fallen = sum(1 for _ in oms.orders.export(expired, caller=_CALLER))
        product = oms.stock.get(sku, caller=_CALLER)
        audit = oms.audit(caller=_CALLER)
    return Drop(units=chosen.drop_units, rush=rush, fallen=fallen, product=product, audit=audit)


if __name__ == "__main__":
    sys.exit(main())
