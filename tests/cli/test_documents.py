"""docs/cli.md and the program say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from oms_cli.commands.session import EVERYWHERE
from oms_cli.main import app
from oms_cli.terminal.exits import EXIT_CODES, PARTLY_APPLIED
from tests.services.wheels import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text()
OF_EVERY_COMMAND = {"--" + name.replace("_", "-") for name in EVERYWHERE} | {"-o"}
OF_TYPER = {"--help", "-h", "--version", "--install-completion", "--show-completion"}


def commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS: dict[str, Any] = dict(commands(typer.main.get_command(app), "oms"))


def sections() -> dict[str, str]:
    """The page's part on each command, by the command's name."""
    found = re.split(r"^### `([^`]+)`\n", PAGE, flags=re.MULTILINE)[1:]
    parts = dict(zip(found[::2], found[1::2], strict=True))
    return {" ".join(re.findall(r"^[a-z -]+\b", heading)).strip(): text for heading, text in parts.items()}


def options_of(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("-")}


def test_every_command_has_its_section_and_the_other_way_round() -> None:
    assert set(sections()) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented_and_the_other_way_round(name: str) -> None:
    documented = set(re.findall(r"^\| `(--[a-z-]+)", sections()[name].partition("\n## ")[0], re.MULTILINE))
    assert documented == options_of(COMMANDS[name]) - OF_EVERY_COMMAND - OF_TYPER


@pytest.mark.parametrize("name", COMMANDS)
def test_the_arguments_stand_in_the_heading(name: str) -> None:
    heading = next(found for found in re.findall(r"^### `([^`]+)`", PAGE, re.MULTILINE) if found.startswith(name))
    arguments = [
        parameter.metavar if parameter.required else f"[{parameter.metavar}]"
        for parameter in COMMANDS[name].params
        if parameter.param_type_name == "argument"
    ]
    assert heading == " ".join([name, *arguments])


def test_the_options_of_every_command_are_documented() -> None:
    section = PAGE.partition("## Options of every command")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(--?[a-z-]+)[ `]", section)) >= OF_EVERY_COMMAND | {"--version", "--help", "-h"}
    for name, command in COMMANDS.items():
        missing = OF_EVERY_COMMAND - options_of(command)
        if name in {"oms serve", "oms worker"}:
            assert missing == {"--output", "-o", "--actor"}
        elif name.startswith(("oms db", "oms config")):
            assert missing == {"--actor"}
        else:
            assert not missing, name


def test_every_exit_code_is_documented() -> None:
    section = PAGE.partition("## Exit codes")[2].partition("\n## ")[0]
    documented = {
        int(code) for row in re.findall(r"^\| ([0-9, ]+) \|", section, re.MULTILINE) for code in row.split(",")
    }
    assert documented == {0, *EXIT_CODES.values(), PARTLY_APPLIED, 130, 141}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_explains_itself(name: str) -> None:
    assert COMMANDS[name].help
    assert not [parameter.name for parameter in COMMANDS[name].params if not parameter.help]
