"""Text that somebody else wrote, on its way to a terminal: nothing in it steers the cursor or hides anything."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from oms_memory import MemoryBroker

from oms_core import OrderLine, Settings
from oms_core.ports.broker import DeadLetter, MessageKind
from tests.cli.conftest import Cli, KeptOms
from tests.texts import GOOD_PROSE

# What a stranger may put into a name, a reason or a note, and no terminal may obey or lay out.
PROSE = "a\r\n\tb\u202egnp\u2028\u200dz\ufeff"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\x08\u202egnp\u2028\x7f"
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def steering(text: str) -> set[str]:
    """Give the characters that steer a terminal or the direction of writing."""
    return {character for character in text if character != "\n" and unicodedata.category(character) in STEERING}


@pytest.fixture
def cli(cli: Cli) -> Cli:
    """With a dead letter that a stranger has put in the queue: every word of it is his."""
    assert isinstance(cli.oms._ports.broker, MemoryBroker)
    letter = DeadLetter(
        id=f"id{HOSTILE}",
        kind=MessageKind.COMMAND,
        code=f"code{HOSTILE}",
        detail=f"detail{HOSTILE}",
        body=HOSTILE.encode(),
        died_at=None,
    )
    cli.oms._ports.broker.exchange.dead.append(letter)
    return cli


@pytest.mark.parametrize("output", ["table", "json", "jsonl"])
def test_a_dead_letter_is_shown_escaped(cli: Cli, output: str) -> None:
    ran = cli("queue", "dead", "list", "-o", output)
    assert ran.code == 0, ran.err
    assert "owned" in ran.out
    assert not steering(ran.out)


def test_escaped_json_is_read_as_it_was(cli: Cli) -> None:
    assert cli("queue", "dead", "list", "-o", "json").json[0]["detail"] == f"detail{HOSTILE}"
    assert json.loads(cli("queue", "dead", "list", "-o", "jsonl").out)["body"] == HOSTILE


@pytest.mark.parametrize(
    "arguments",
    [
        ("inventory", "show", f"SKU{HOSTILE}"),
        ("inventory", "set", f"SKU{HOSTILE}", "1"),
        ("inventory", "set", "SKU", "1", "--name", HOSTILE),
        ("orders", "show", HOSTILE),
        ("orders", "list", "--customer", HOSTILE),
        ("inventory", "import", f"/missing/{HOSTILE}"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_what_was_typed_is_quoted_escaped(cli: Cli, arguments: tuple[str, ...], output: str) -> None:
    ran = cli(*arguments, "-o", output)
    assert ran.code in {2, 4}
    assert not steering(ran.out + ran.err)


def test_a_row_that_is_rejected_is_told_escaped(cli: Cli) -> None:
    ran = cli("inventory", "import", "-", given=f'sku,quantity,name\n"A{HOSTILE}",1,"{HOSTILE}"\nA,{HOSTILE},x\n')
    assert ran.code != 0
    assert not steering(ran.out + ran.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ("inventory", "show", "SKU"),
        ("inventory", "list"),
        ("inventory", "movements", "SKU"),
        ("orders", "show", "ORDER"),
        ("orders", "events", "ORDER"),
        ("orders", "list"),
    ],
    ids=" ".join,
)
def test_prose_that_was_kept_is_shown_escaped_on_one_line(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli.stock("SKU", 5, name=PROSE, reason=PROSE)
    order = cli.place(OrderLine(sku="SKU", quantity=1), metadata={"note": PROSE})
    assert cli("orders", "cancel", str(order.id), "--reason", PROSE).code == 0
    ran = cli(*(str(order.id) if part == "ORDER" else part for part in arguments))
    assert ran.code == 0, ran.err
    assert not steering(ran.out + ran.err)
    assert json.loads(cli("orders", "show", str(order.id), "-o", "json").out)["metadata"] == {"note": PROSE}


@pytest.mark.parametrize("output", ["csv", "jsonl"])
def test_prose_that_was_exported_comes_back_to_the_byte(cli: Cli, tmp_path: Path, output: str) -> None:
    texts = [*GOOD_PROSE.values(), PROSE]
    for number, text in enumerate(texts):
        cli.stock(f"SKU{number:02}", number, name=text)
    file = tmp_path / f"export.{output}"
    assert cli("inventory", "export", str(file)).code == 0
    other = Cli(KeptOms.open(Settings(database_url="memory://", group_commit=False)), tmp_path)
    assert other("inventory", "import", str(file)).code == 0
    assert [row["name"] for row in other("inventory", "list", "-o", "json").json] == texts
