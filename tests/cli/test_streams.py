"""Standard streams that are closed, full, or no longer read: nobody is told that all is well when it is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from oms_core import OmsError
from tests.cli.conftest import Cli
from tests.cli.programs import ENDING_SECONDS, OMS, Program

READING = [
    ("inventory", "list"),
    ("inventory", "show", "WIDGET"),
    ("inventory", "movements", "WIDGET"),
    ("inventory", "export"),
    ("orders", "list"),
    ("orders", "list", "--ids"),
    ("orders", "show", "{order}"),
    ("orders", "events", "{order}"),
    ("queue", "status"),
    ("keys", "list"),
    ("keys", "show", "shop"),
    ("config", "show"),
    ("--version",),
    ("--help",),
    ("orders", "--help"),
    ("orders", "list", "--help"),
    ("audit", "-o", "json"),
    ("queue", "dead", "list", "-o", "json"),
    ("keys", "create", "other", "--scope", "admin"),
    ("keys", "rotate", "shop"),
]
CHANGING = [
    ("inventory", "set", "WIDGET", "7"),
    ("inventory", "adjust", "WIDGET", "1", "--reason", "found"),
    ("inventory", "receive", "WIDGET", "1"),
    ("orders", "place", "--customer", "C1", "--line", "WIDGET:1"),
    ("orders", "set-status", "processing", "{order}"),
    ("orders", "cancel", "{order}"),
    ("orders", "retry", "--all"),
    ("queue", "dead", "discard", "--all", "--yes"),
    ("keys", "revoke", "shop", "--yes"),
    ("db", "upgrade"),
    ("audit",),
]


@pytest.fixture
def shop(cli: Cli) -> Cli:
    """A product, an order and a key."""
    cli.stock("WIDGET", 10)
    assert cli("keys", "create", "shop", "--scope", "admin").code == 0
    return cli


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stdout that takes nothing."""
    with suppress(OSError), Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        yield


def given(shop: Cli, command: tuple[str, ...]) -> list[str]:
    order = shop.place()
    return [word.format(order=order.id) for word in command]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_output_that_is_closed_is_an_error_where_it_is_the_product(
    shop: Cli, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = given(shop, command)
    monkeypatch.setattr(sys, "stdout", None)
    assert shop.on_own_streams(*arguments) == 1
    assert capsys.readouterr().err == "error: output cannot be written: stdout is closed\n"


@pytest.mark.parametrize("command", CHANGING, ids=" ".join)
def test_what_changes_something_needs_no_output(
    shop: Cli, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = given(shop, command)
    monkeypatch.setattr(sys, "stdout", None)
    assert shop.on_own_streams(*arguments) == 0
    assert "error" not in capsys.readouterr().err


def test_where_a_document_was_asked_for_nothing_is_changed_without_output(
    shop: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert shop.on_own_streams("inventory", "set", "WIDGET", "7", "-o", "json") == 1
    assert shop.oms.stock.get("WIDGET", caller=shop.caller).on_hand == 10


def test_no_key_is_made_that_nobody_sees(shop: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert shop.on_own_streams("keys", "create", "other", "--scope", "admin") == 1
    assert shop.on_own_streams("keys", "rotate", "shop") == 1
    with pytest.raises(OmsError, match="no key has the name"):
        shop.oms.api_keys.get("other", caller=shop.caller)
    assert len(shop.oms.api_keys.get("shop", caller=shop.caller)) == 1


@pytest.mark.parametrize("command", [*READING, *CHANGING], ids=" ".join)
def test_a_full_disk_is_an_error_of_every_command(
    shop: Cli, command: tuple[str, ...], request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = given(shop, command)
    request.getfixturevalue("full_disk")
    assert shop.on_own_streams(*arguments) == 1
    *said, error = capsys.readouterr().err.splitlines()
    assert error == "error: output cannot be written: No space left on device"
    assert said == [] or command[0] in {"keys", "queue"}, said


def test_a_key_that_was_made_but_not_shown_is_told(
    shop: Cli, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    request.getfixturevalue("full_disk")
    assert shop.on_own_streams("keys", "rotate", "shop") == 1
    assert capsys.readouterr().err.startswith("API key 2 of shop was made, and nobody has seen it: ")


@pytest.mark.parametrize(
    "command",
    [
        ("orders", "set-status", "shipped", "-"),
        ("orders", "cancel", "-"),
        ("orders", "retry", "-"),
        ("orders", "place", "-"),
        ("orders", "import", "-"),
        ("inventory", "import", "-"),
        ("queue", "dead", "discard", "-"),
    ],
    ids=" ".join,
)
def test_stdin_that_is_closed_is_not_taken_for_an_empty_one(
    shop: Cli, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert shop.on_own_streams(*command) == 2
    assert capsys.readouterr().err == "error: usage: - reads stdin, which is closed\n"


def test_the_program_ends_as_its_streams_are(tmp_path: Path) -> None:
    program = Program(folder=tmp_path, database_url=f"sqlite:///{tmp_path}/oms.db")
    script = f"""
        {OMS} keys create shop --scope admin >&-; echo $?
        {OMS} --help | true; echo ${{PIPESTATUS[0]}}
    """
    ran = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=program.environment,
        timeout=2 * ENDING_SECONDS,
        check=False,
    )
    assert ran.stdout.split() == ["1", "141"], ran.stderr
    assert not (tmp_path / "oms.db").exists()
