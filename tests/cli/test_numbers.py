"""Every number of the command line is read by one reader, which takes digits, a sign in front, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, get_args, get_type_hints

import pytest
import typer

from oms_cli.main import PARTS
from oms_cli.terminal.arguments import WholeNumber
from tests.cli.conftest import Cli

# What `int` reads, or pydantic for Typer, and nobody means.
NO_NUMBERS = ["1_0", "5.0", " 5", "5 ", "\u0665", "\uff15", "5\n", "0x5", "1e1", "", "+", "--5", "+-5"]


def numbers(typers: typer.Typer, *path: str) -> Iterator[tuple[str, object]]:
    """List every parameter that is an int, with its parser."""
    for command in typers.registered_commands:
        assert command.callback is not None
        for name, annotation in get_type_hints(command.callback, include_extras=True).items():
            kind, *said = getattr(annotation, "__origin__", annotation), *getattr(annotation, "__metadata__", ())
            if int in (kind, *get_args(kind)):
                yield " ".join([*path, str(command.name), name]), getattr(said[0] if said else None, "parser", None)
    for group in typers.registered_groups:
        assert group.typer_instance is not None
        yield from numbers(group.typer_instance, *path, str(group.typer_instance.info.name))


def test_every_number_of_every_command_has_the_one_reader() -> None:
    whole = typer.Typer()
    for part in PARTS.values():
        part.add_to(whole)
    found = dict(numbers(whole))
    assert len(found) > 15
    assert not [name for name, parser in found.items() if not isinstance(parser, WholeNumber)]


def test_a_number_without_the_reader_would_be_found() -> None:
    other = typer.Typer()

    @other.command("x")
    def run(count: int, limit: Annotated[int | None, typer.Option("--limit")] = None) -> None:
        pass

    assert [parser for _, parser in numbers(other)] == [None, None]


@pytest.mark.parametrize("text", NO_NUMBERS)
@pytest.mark.parametrize(
    "command",
    [
        ("inventory", "set", "WIDGET", "{}"),
        ("inventory", "adjust", "WIDGET", "{}", "--reason", "count"),
        ("inventory", "receive", "WIDGET", "{}"),
        ("inventory", "set", "WIDGET", "--low-stock", "{}"),
        ("inventory", "list", "--limit", "{}"),
        ("orders", "place", "--customer", "C", "--line", "WIDGET:{}"),
    ],
    ids=lambda command: " ".join(command[:2]) + command[-2],
)
def test_what_is_no_number_is_refused(cli: Cli, command: tuple[str, ...], text: str) -> None:
    ran = cli(*(part.format(text) for part in command))
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("text", ["12", "+12", "0012"])
def test_digits_with_a_sign_in_front_are_a_number(cli: Cli, text: str) -> None:
    assert cli("inventory", "set", "WIDGET", text).code == 0
    assert cli.oms.stock.get("WIDGET", caller=cli.caller).on_hand == 12


def test_a_number_out_of_bounds_is_told_with_its_option(cli: Cli) -> None:
    assert "'--limit': must be at least 1; it is 0" in cli("inventory", "list", "--limit", "0").err


@pytest.mark.parametrize("age", ["\u0663d", "3_0d", "\uff13h"])
def test_an_age_has_digits_of_ascii(cli: Cli, age: str) -> None:
    assert cli("orders", "list", "--older-than", age).code == 2
