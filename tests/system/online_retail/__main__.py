"""Loads months of the Online Retail data set into a database and reports on every line: see docs/online-retail.md."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from oms_core import Oms, OmsError, Settings
from tests.system.online_retail.books import disagreements, read_books
from tests.system.online_retail.planning import plan_steps
from tests.system.online_retail.processes import replay_in_processes
from tests.system.online_retail.queued import replay_through_queue
from tests.system.online_retail.reading import read_files
from tests.system.online_retail.replay import CALLER, Tally, replay, share_out
from tests.system.online_retail.report import Report
from tests.system.online_retail.sheet import read_sheet
from tests.system.online_retail.shelves import stock_shelves
from tests.system.online_retail.source import data_folder, month_file
from tests.system.online_retail.steps import Plan

_ENOUGH_PERCENT = 100


def main(arguments: list[str] | None = None) -> int:
    """Replay and report; the exit code is 0 when everything agrees, 1 when not, 2 for a wrong argument or file."""
    chosen = _parser().parse_args(arguments)
    console, messages = Console(), Console(stderr=True)
    try:
        report = _replay(chosen, messages)
    except (OmsError, OSError, ValueError) as error:
        messages.print(Text(str(error), style="red"), soft_wrap=True)
        return 2
    console.print(report.show())
    return 1 if report.discrepancies or report.disagreements else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.system.online_retail", description=__doc__)
    parser.add_argument(
        "--database-url", required=True, help="an empty database: sqlite:///retail.db, postgresql://..."
    )
    parser.add_argument(
        "--month", action="append", required=True, help="2010-12 or 2011-01; may be given several times"
    )
    parser.add_argument(
        "--data", type=Path, default=data_folder(os.environ), help="the folder of the files (%(default)s)"
    )
    parser.add_argument("--clients", type=_positive, default=8, help="clients at once in each process (%(default)s)")
    parser.add_argument("--processes", type=_positive, default=1, help="processes at once (%(default)s)")
    parser.add_argument("--queue-url", help="a broker (amqp://...): sales are accepted, and placed by workers")
    parser.add_argument("--queue-prefix", default="online-retail", help="of the names at the broker (%(default)s)")
    parser.add_argument("--workers", type=_positive, default=2, help="worker processes with --queue-url (%(default)s)")
    parser.add_argument(
        "--stock-percent",
        type=_positive,
        default=_ENOUGH_PERCENT,
        help="opening stock in per cent of what is sold (%(default)s); below 100 goods run out and orders are refused",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _replay(chosen: argparse.Namespace, messages: Console) -> Report:
    paths = [month_file(chosen.data, month) for month in chosen.month]
    plan = plan_steps(read_files(paths))
    source = "+".join(chosen.month)
    with Oms.open(_settings(chosen)) as oms:
        if not oms.schema.status().applied:
            oms.schema.upgrade()
        began = time.perf_counter()
        products = stock_shelves(oms, plan.steps, reference=source, percent_of_sold=chosen.stock_percent)
        stocked = time.perf_counter()
        tally = _carry_out(oms, plan, chosen, messages)
        replayed = time.perf_counter()
        audit = oms.audit(caller=CALLER)
        compared = None
        if chosen.stock_percent >= _ENOUGH_PERCENT:
            ignored = {entry.invoice for entry in plan.not_understood}
            compared = disagreements(read_sheet(paths, ignoring=ignored), read_books(oms, caller=CALLER))
    return Report(
        source=source,
        plan=plan,
        tally=tally,
        products=products,
        stocking_seconds=stocked - began,
        replay_seconds=replayed - stocked,
        discrepancies=[f"{found.subject}: {found.detail}" for found in audit.discrepancies],
        disagreements=compared,
    )


def _settings(chosen: argparse.Namespace) -> Settings:
    if chosen.queue_url is None:
        return Settings(database_url=chosen.database_url)
    return Settings(database_url=chosen.database_url, queue_url=chosen.queue_url, queue_prefix=chosen.queue_prefix)


def _carry_out(oms: Oms, plan: Plan, chosen: argparse.Namespace, messages: Console) -> Tally:
    shares = share_out(plan.steps, chosen.clients * chosen.processes)
    if chosen.queue_url is not None:
        queued = replay_through_queue(oms, shares, count=chosen.workers)
        messages.print(
            f"all handed in after {queued.accepted_seconds:.1f} s, settled after {queued.settled_seconds:.1f} s;"
            f" each worker's orders: {', '.join(map(str, queued.settled_by))}",
            soft_wrap=True,
        )
        return queued.tally
    if chosen.processes > 1:
        return replay_in_processes(chosen.database_url, shares, processes=chosen.processes)
    with Progress(console=messages, transient=True) as progress:
        task = progress.add_task("lines", total=sum(len(step.lines) for step in plan.steps))
        return replay(oms, shares, lambda lines: progress.advance(task, lines))


if __name__ == "__main__":
    sys.exit(main())
