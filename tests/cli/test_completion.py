"""What the shell completes."""

from __future__ import annotations

import pytest

from oms_core.domain.orders.statuses import SETTABLE, OrderStatus
from tests.cli.programs import Program


def completed(program: Program, words: str) -> list[str]:
    """Ask as bash does; the last of `words` is being written."""
    asked = {"_OMS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    ran = program.under(**asked).run()
    assert ran.stderr == ""
    return ran.stdout.split()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A program without a database: completing needs none."""
    return Program(folder=tmp_path_factory.mktemp("empty"), database_url="sqlite:///missing.db")


def test_commands_are_completed(program: Program) -> None:
    assert completed(program, "oms inv") == ["inventory"]
    assert "set-status" in completed(program, "oms orders ")
    assert not list(program.folder.iterdir())


def test_options_are_completed(program: Program) -> None:
    assert completed(program, "oms orders list --older") == ["--older-than"]


def test_statuses_are_completed_also_the_second_of_several(program: Program) -> None:
    assert completed(program, "oms orders list --status pen") == ["pending"]
    assert completed(program, "oms orders list --status pending,sh") == ["pending,shipped"]
    assert set(completed(program, "oms orders list --status ")) == set(OrderStatus)


def test_only_statuses_that_can_be_set_are_completed_there(program: Program) -> None:
    assert set(completed(program, "oms orders set-status ")) == SETTABLE
    assert completed(program, "oms orders set-status sh") == ["shipped"]


def test_the_queues_commands_and_the_reasons_of_failures_are_completed(program: Program) -> None:
    assert completed(program, "oms wor") == ["worker"]
    assert set(completed(program, "oms queue dead ")) == {"list", "replay", "discard"}
    assert completed(program, "oms orders list --failure insuf") == ["insufficient_inventory"]
    assert completed(program, "oms orders retry --all --failure internal") == ["internal_error"]


def test_formats_are_completed(program: Program) -> None:
    assert completed(program, "oms orders list -o js") == ["json", "jsonl"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(program: Program, shell: str) -> None:
    ran = program.under(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").run("--show-completion", shell)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "_OMS_COMPLETE" in ran.stdout
