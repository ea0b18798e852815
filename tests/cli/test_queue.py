"""`oms queue`: how the queue stands, and what becomes of messages that could not be read."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from oms_memory import MemoryStorage
from oms_memory.broker import MemoryBroker

from oms_core import Oms, OmsError, OrderLine, PlaceOrder, Ports, Settings
from oms_core.domain.orders.queueing import WorkerState
from oms_core.ports.broker import Message
from tests.cli.conftest import Cli, KeptOms
from tests.cli.programs import Program

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AMQP = {"OMS_QUEUE_URL": "amqp://nobody:secret@127.0.0.1:1/"}


class BrokerQueue(MemoryBroker):
    """A queue in memory that passes for a broker, and may be away."""

    carries_events = True
    is_away = False

    def check(self) -> None:
        if self.is_away:
            raise OmsError("queue_unavailable", "nobody listens there")

    def describe(self) -> str:
        return "broker.example"


@pytest.fixture
def queue() -> BrokerQueue:
    return BrokerQueue()


@pytest.fixture
def cli(tmp_path: Path, queue: BrokerQueue) -> Cli:
    """The command line over an empty memory with a broker."""
    settings = Settings(database_url="memory://", group_commit=False)
    return Cli(KeptOms(settings=settings, ports=Ports(storage=MemoryStorage(), broker=queue)), tmp_path)


def accept(cli: Cli, quantity: int = 1) -> str:
    command = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=quantity)])
    return str(cli.oms.orders.accept(command, caller=cli.caller).order.id)


def dead_letter(queue: MemoryBroker, *bodies: bytes) -> None:
    """Make dead letters of messages."""
    inbox = queue.inbox()
    for body in bodies:
        queue.send_command(body)
        (message,) = inbox.take(limit=1, timeout_seconds=0)
        inbox.dead_letter(message, OmsError("malformed_json", "it is no JSON"))


def waiting(queue: MemoryBroker) -> list[Message]:
    with suppress(OmsError):
        return queue.inbox().take(limit=100, timeout_seconds=0)
    return []


def letter_ids(cli: Cli) -> list[str]:
    return [letter["id"] for letter in cli("queue", "dead", "list", "-o", "json", **AMQP).json]


def test_the_queue_is_shown_with_its_workers(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    accept(cli)
    accept(cli)
    state = WorkerState(id="host:1:ab", started_at=NOW, seen_at=NOW, orders_per_second=12.345, settled=7)
    cli.oms._ports.storage.workers.beat(state)
    shown = cli("queue", "status", "-o", "json").json
    (worker,) = shown.pop("workers")
    assert shown.pop("oldest_age_seconds") >= 0
    assert shown == {
        "depth": 2,
        "orders_per_second": 12.345,
        "failed": 0,
        "rejected": 0,
        "broker": {"name": "broker.example", "state": "up", "fault": None},
    }
    assert (worker["id"], worker["orders_per_second"], worker["settled"]) == ("host:1:ab", 12.345, 7)
    table = cli("queue", "status").out
    assert "depth               2\n" in table
    assert "broker state        up\n" in table
    assert "host:1:ab" in table
    (row,) = csv.DictReader(io.StringIO(cli("queue", "status", "-o", "csv").out))
    assert (row["depth"], row["workers"], row["broker_state"]) == ("2", "1", "up")


def test_an_empty_queue_without_a_worker_is_shown(cli: Cli) -> None:
    ran = cli("queue", "status")
    assert (ran.code, ran.err) == (0, "no worker is there\n")
    assert "oldest" not in ran.out
    assert cli("queue", "status", "-o", "json").json["oldest_age_seconds"] is None


def test_a_broker_that_is_away_is_shown_as_that(cli: Cli, queue: BrokerQueue) -> None:
    queue.is_away = True
    ran = cli("queue", "status")
    assert ran.code == 0
    assert "broker state        away: nobody listens there\n" in ran.out
    broker = cli("queue", "status", "-o", "json").json["broker"]
    assert broker == {"name": "broker.example", "state": "away", "fault": "nobody listens there"}


def test_without_a_broker_none_is_shown(cli: Cli, queue: BrokerQueue) -> None:
    queue.carries_events = False
    assert cli("queue", "status", "-o", "json").json["broker"] == {"name": None, "state": "none", "fault": None}


def test_dead_letters_are_listed_with_their_reason_and_body(cli: Cli, queue: BrokerQueue) -> None:
    dead_letter(queue, b"{", b"\xff\x00")
    first, second = cli("queue", "dead", "list", "-o", "json", **AMQP).json
    assert (first["kind"], first["code"], first["detail"]) == ("command", "malformed_json", "it is no JSON")
    assert (first["body"], first["bytes"]) == ("{", 1)
    assert (first["body_encoding"], first["truncated"]) == ("utf-8", False)
    assert (second["body"], second["body_encoding"], second["bytes"]) == ("/wA=", "base64", 2)
    ran = cli("queue", "dead", "list", **AMQP)
    assert (ran.code, ran.err) == (0, "")
    titles, *rows = ran.out.splitlines()
    assert titles.split() == ["ID", "KIND", "CODE", "DETAIL", "DIED", "AT", "BYTES"]
    assert [row.split()[0] for row in rows] == [first["id"], second["id"]]


def test_a_list_that_may_go_on_says_so(cli: Cli, queue: BrokerQueue) -> None:
    dead_letter(queue, b"1", b"2", b"3")
    ran = cli("queue", "dead", "list", "--limit", "2", **AMQP)
    assert len(ran.out.splitlines()) == 3
    assert ran.err == "the first 2 are shown; --limit N shows more\n"


def test_no_dead_letters_and_why_there_may_seem_to_be_none(cli: Cli) -> None:
    ran = cli("queue", "dead", "list", **AMQP)
    assert (ran.code, ran.out, ran.err) == (0, "", "no dead letters\n")
    assert "cannot be seen from here" in cli("queue", "dead", "list").err


def test_letters_are_replayed_by_id(cli: Cli, queue: BrokerQueue) -> None:
    dead_letter(queue, b"1", b"2", b"3")
    first, second, third = letter_ids(cli)
    ran = cli("queue", "dead", "replay", first, third, first, **AMQP)
    assert (ran.code, ran.out, ran.err) == (0, "replayed 2 dead letters\n", "")
    assert letter_ids(cli) == [second]
    assert [message.body for message in waiting(queue)] == [b"1", b"3"]


def test_letters_are_replayed_and_discarded_by_ids_from_stdin(cli: Cli, queue: BrokerQueue) -> None:
    dead_letter(queue, b"1", b"2")
    first, second = letter_ids(cli)
    assert cli("queue", "dead", "discard", "-", given=f"{first}\n\n", **AMQP).out == "discarded 1 dead letter\n"
    assert cli("queue", "dead", "replay", "-", given=second, **AMQP).out == "replayed 1 dead letter\n"
    assert cli("queue", "dead", "replay", "-", given="", **AMQP).out == "replayed 0 dead letters\n"
    assert [message.body for message in waiting(queue)] == [b"2"]


def test_all_letters_are_replayed(cli: Cli, queue: BrokerQueue) -> None:
    dead_letter(queue, b"1", b"2")
    assert cli("queue", "dead", "replay", "--all", "-o", "json", **AMQP).json == {"replayed": 2, "missing": 0}
    assert letter_ids(cli) == []


def test_ids_that_are_not_there_are_told(cli: Cli, queue: BrokerQueue) -> None:
    dead_letter(queue, b"1")
    ran = cli("queue", "dead", "discard", "nothing", **AMQP)
    assert (ran.code, ran.out) == (4, "discarded 0 dead letters\n")
    assert ran.err.startswith("1 id not there")
    ran = cli("queue", "dead", "discard", "nothing", *letter_ids(cli), "-o", "json", **AMQP)
    assert (ran.code, ran.json) == (8, {"discarded": 1, "missing": 1})


def test_discarding_all_needs_a_yes_off_a_terminal(cli: Cli, queue: BrokerQueue) -> None:
    dead_letter(queue, b"1", b"2")
    ran = cli("queue", "dead", "discard", "--all", **AMQP)
    assert ran.code == 2
    assert "--yes" in ran.err
    assert len(letter_ids(cli)) == 2
    assert cli("queue", "dead", "discard", "--all", "--yes", **AMQP).out == "discarded 2 dead letters\n"
    assert letter_ids(cli) == []
    assert waiting(queue) == []


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize("given", [(), ("x", "--all")])
def test_either_ids_or_all_are_named(cli: Cli, verb: str, given: tuple[str, ...]) -> None:
    ran = cli("queue", "dead", verb, *given, **AMQP)
    assert (ran.code, ran.err) == (2, "error: usage: give ids, - for stdin, or --all\n")


@pytest.fixture
def no_broker(tmp_path: Path) -> Program:
    """The program on a database, with a broker that is not there."""
    program = Program(folder=tmp_path, database_url=f"sqlite:///{tmp_path}/oms.db")
    assert program.run("db", "upgrade").returncode == 0
    return replace(program, variables=AMQP)


def test_without_the_broker_letters_are_out_of_reach_and_the_queue_is_not(no_broker: Program) -> None:
    ran = no_broker.run("queue", "dead", "list", "-o", "json")
    assert (ran.returncode, ran.stdout) == (7, "")
    assert '"queue_unavailable"' in ran.stderr
    ran = no_broker.run("queue", "status")
    assert ran.returncode == 0
    assert "away: " in ran.stdout
    assert no_broker.run("inventory", "set", "WIDGET", "3").returncode == 0
    queued = no_broker.run("orders", "place", "--async", "--customer", "C1", "--line", "WIDGET:1")
    assert queued.stdout.startswith("queued "), "the row is what counts"
    assert queued.returncode == 0


def test_a_question_is_asked_at_a_terminal_and_no_discards_nothing(no_broker: Program) -> None:
    seen = no_broker.see("queue", "dead", "discard", "--all", typed=b"n\n")
    assert seen.code == 130
    assert "Discard all dead letters?" in seen.text


def test_the_queue_and_its_workers_fit_a_terminal_of_80_columns(no_broker: Program) -> None:
    with Oms.open(Settings(database_url=no_broker.database_url)) as oms:
        state = WorkerState(
            id="a-long-host-name:12345:0a1b2c3d", started_at=NOW, seen_at=NOW, orders_per_second=1, settled=7
        )
        oms._ports.storage.workers.beat(state)
    seen = no_broker.under(OMS_QUEUE_URL="memory://").see("queue", "status", columns=80)
    assert seen.code == 0
    assert "a-long-host-name:12345:0a1b2c3d" in seen.text
    assert max(map(len, seen.text.splitlines())) <= 80
