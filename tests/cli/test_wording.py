"""How every command speaks of its options: no type of Python in its help, no sentence of a library in its errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from typer.main import get_command

from oms_cli.main import app
from tests.cli.conftest import Cli

TYPE = re.compile(r"<\w+>|\b(?:INTEGER|FLOAT|TEXT|BOOLEAN|PATH)\b")
FOREIGN = re.compile(
    r"Value error|type=|pydantic|valid (?:integer|float|boolean|enum|path)|Input should|invalid literal"
)


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every group and every command, with the words that call it."""
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


COMMANDS = dict(commands(get_command(app)))
RUNNING = [path for path, command in COMMANDS.items() if not hasattr(command, "commands")]


def is_argument(param: Any) -> bool:
    """Tell whether a parameter is given by its place."""
    return not param.opts[0].startswith("-")


def is_converted(param: Any) -> bool:
    """Tell whether Typer makes something else than text of what is given."""
    kind = param.type_descriptor.annotation
    return not getattr(param, "is_flag", False) and isinstance(kind, type) and issubclass(kind, (int, Enum))


CONVERTED = [(path, param) for path in RUNNING for param in COMMANDS[path].params if is_converted(param)]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_names_no_type(cli: Cli, path: tuple[str, ...]) -> None:
    ran = cli(*path, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert not TYPE.findall(ran.out)


@pytest.mark.parametrize(
    ("path", "param"), CONVERTED, ids=lambda it: " ".join(it) if isinstance(it, tuple) else it.name
)
@pytest.mark.parametrize("given", ["nonsense", ""])
def test_a_value_that_cannot_be_read_is_refused_in_our_words(
    cli: Cli, path: tuple[str, ...], param: Any, given: str
) -> None:
    words = [] if is_argument(param) else [f"{param.opts[0]}={given}"]
    arguments = [given if each is param else "1" for each in COMMANDS[path].params if is_argument(each)]
    ran = cli(*path, *words, *arguments, *(["--reason", "r"] if path[-1] == "adjust" else []))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: usage: Invalid value for ")
    assert not FOREIGN.search(ran.err)
