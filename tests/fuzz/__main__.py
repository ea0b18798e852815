"""The long run, `make fuzz`: sends requests and messages of one seed, tells what it tried, fails if anything was wrong.

PostgreSQL and RabbitMQ are those that the tests would find; a part without its server is left out, and said to be.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.bench.brokers import rabbitmq_server
from tests.bench.postgresql import postgresql_server
from tests.fuzz.asking import ask_many
from tests.fuzz.broker import send_through
from tests.fuzz.schemas import ask_as_described
from tests.fuzz.service import Fuzzed, fuzzed, speak_latin_1
from tests.fuzz.settings import EXAMPLES_VARIABLE
from tests.fuzz.sockets import send_raw
from tests.fuzz.tally import Tally
from tests.fuzz.working import work_through
from tests.services.unusable import ServerUnusable
from tests.services.waiting import DeadlinePassed

# The rest is asked over memory: what is compared after each request is read from a database far more slowly.
_BY_SCHEMATHESIS, _ON_A_DATABASE, _AT_A_BROKER = 0.1, 0.01, 0.02
_ON_A_DATABASE_MAX = 2_000  # To one service, whose store has to stay small.
_SHOWN_MAX = 20

Part = Callable[[], Tally]


def main(arguments: list[str] | None = None) -> int:
    """Run all parts; the exit code is 1 if any found something."""
    chosen = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)  # Every dead letter is one.
    print(
        f"seed {chosen.seed}: {chosen.requests:,} requests, {chosen.messages:,} messages, {chosen.examples:,} examples"
    )
    with tempfile.TemporaryDirectory(prefix="oms-fuzz-") as folder:
        failed = [name for name, part in _parts(chosen, Path(folder)).items() if not _run(name, part)]
    failed += [] if _try_decoders(chosen.examples) else ["decoders"]
    print(f"FAILED: {', '.join(failed)}; the seed was {chosen.seed}" if failed else "nothing was found")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="what to try; random unless given")
    parser.add_argument(
        "--requests",
        type=int,
        default=100_000,
        help="HTTP requests, to which schemathesis adds up to a tenth (%(default)s)",
    )
    parser.add_argument(
        "--messages",
        type=int,
        default=100_000,
        help="messages to workers, to which RabbitMQ adds a fiftieth (%(default)s)",
    )
    parser.add_argument("--examples", type=int, default=2_000, help="Hypothesis's of each decoder (%(default)s)")
    return parser


def _parts(chosen: argparse.Namespace, folder: Path) -> dict[str, Part]:
    described, stored = int(chosen.requests * _BY_SCHEMATHESIS), int(chosen.requests * _ON_A_DATABASE)
    stored, brokered = min(stored, _ON_A_DATABASE_MAX), int(chosen.messages * _AT_A_BROKER)
    memory = partial(fuzzed, "memory://")
    sqlite = partial(fuzzed, f"sqlite:///{folder}/oms.db")
    changed = chosen.requests - 3 * stored
    return {
        "requests, changed, over memory": partial(ask_many, memory, seed=chosen.seed, requests=changed),
        "requests, by schemathesis, over memory": partial(
            ask_as_described, memory, seed=chosen.seed, requests=described
        ),
        "requests, changed, on SQLite": partial(ask_many, sqlite, seed=chosen.seed, requests=stored),
        "requests, changed, on PostgreSQL": partial(ask_many, _on_postgresql, seed=chosen.seed, requests=stored),
        "requests, as bytes, to oms serve": partial(send_raw, folder, seed=chosen.seed, requests=stored),
        "messages, to a worker over memory": partial(work_through, seed=chosen.seed, messages=chosen.messages),
        "messages, to a worker at RabbitMQ": partial(_at_rabbitmq, seed=chosen.seed, messages=brokered),
    }


@contextmanager
def _on_postgresql() -> Iterator[Fuzzed]:
    with postgresql_server() as server, server.database() as url:
        speak_latin_1(url)
        with fuzzed(url) as service:
            yield service


def _at_rabbitmq(*, seed: str, messages: int) -> Tally:
    with rabbitmq_server() as url:
        broker = RabbitmqVhost(url, f"oms-fuzz-{secrets.token_hex(4)}")
        try:
            return send_through(broker, seed=seed, messages=messages)
        finally:
            broker.delete_all()


def _run(name: str, part: Part) -> bool:
    began = time.monotonic()
    try:
        tally = part()
    except ServerUnusable as error:
        print(f"{name}: left out: {error}", flush=True)
        return True
    except DeadlinePassed as error:
        tally = Tally(failures=[str(error)])
    shown = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(tally.outcomes.items()))
    seconds = time.monotonic() - began
    print(f"{name}: {tally.tried:,} tried ({shown}), {len(tally.failures):,} failures, {seconds:.0f} s", flush=True)
    for failure in tally.failures[:_SHOWN_MAX]:
        print(f"  {failure}", flush=True)
    return not tally.failures


def _try_decoders(examples: int) -> bool:
    """Have pytest run the tests of what is drawn by Hypothesis, with so many examples each, drawn anew."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--timeout=0", "tests/fuzz/test_decoders.py"]
    print(f"decoders and headers, {examples:,} examples each:", flush=True)
    environment = os.environ | {EXAMPLES_VARIABLE: str(examples)}
    return subprocess.run([*command, "tests/fuzz/test_headers.py"], env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
