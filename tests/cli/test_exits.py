"""How commands end when they do not do what they were asked to."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from oms_cli.terminal.exits import EXIT_CODES, Tally, exit_code
from oms_cli.terminal.messages import printable
from oms_core import ErrorKind, Oms, OmsError, Settings
from oms_core.errors import ERROR_CODES
from oms_core.use_cases.stock import Stock
from tests.cli.conftest import Cli


def test_every_kind_of_error_has_its_exit_code() -> None:
    assert {kind: EXIT_CODES[kind] for kind in ErrorKind} == {
        ErrorKind.BUG: 1,
        ErrorKind.INVALID: 2,
        ErrorKind.UNAUTHENTICATED: 3,
        ErrorKind.FORBIDDEN: 3,
        ErrorKind.NOT_FOUND: 4,
        ErrorKind.GONE: 4,
        ErrorKind.CONFLICT: 5,
        ErrorKind.LIMITED: 6,
        ErrorKind.UNAVAILABLE: 7,
    }


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_error_is_one_line_and_an_exit_code(cli: Cli, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OmsError(code, "why it failed")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Stock, "get", fail)
    ran = cli("inventory", "show", "WIDGET")
    assert (ran.code, ran.out, ran.err) == (exit_code(error), "", f"error: {code}: why it failed\n")
    ran = cli("inventory", "show", "WIDGET", "-o", "json")
    assert (ran.code, ran.out) == (exit_code(error), "")
    assert json.loads(ran.err) == {"code": code, "detail": "why it failed", "retry": error.retry.value}


def test_what_is_short_is_told_in_at_most_a_hundred_lines(cli: Cli) -> None:
    lines = []
    for number in range(300):
        cli.stock(f"SKU-{number:03}", 1)
        lines += ["--line", f"SKU-{number:03}:2"]
    told = cli("orders", "place", "--customer", "C1", *lines).err.splitlines()
    assert len(told) == 102
    assert told[1] == "  SKU-000: 2 requested, 1 available"
    assert told[-1] == "  and 200 more"


def test_a_defect_keeps_its_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Stock, "get", fail)
    with pytest.raises(ZeroDivisionError):
        cli("inventory", "show", "WIDGET")


def tallied(*codes: str | None) -> int:
    tally = Tally()
    for code in codes:
        tally.note(None if code is None else OmsError(code, ""))
    return tally.exit_code()


def test_many_outcomes_have_the_worst_exit_code_or_8_when_partly_applied() -> None:
    assert tallied() == 0
    assert tallied(None, None) == 0
    assert tallied(None, "order_not_found") == 8
    assert tallied("order_not_found", "invalid_transition", "validation_error") == 5
    assert tallied("order_not_found", "storage_unavailable") == 7
    assert tallied("internal_error", "storage_unavailable") == 1


def test_a_usage_error_names_the_help(cli: Cli) -> None:
    ran = cli("orders", "list", "--xyz", "red")
    assert ran.code == 2
    assert ran.err == "error: usage: No such option: --xyz\nTry 'oms orders list --help' for help.\n"


def test_a_misspelt_command_is_guessed(cli: Cli) -> None:
    ran = cli("inventry", "list")
    assert ran.code == 2
    assert (
        ran.err == "error: usage: No such command 'inventry'. Did you mean 'inventory'?\nTry 'oms --help' for help.\n"
    )


@pytest.mark.parametrize("options", [("-o", "json"), ("-ojson",), ("--output=jsonl",), ("--output", "JSON")])
def test_a_usage_error_is_json_where_json_was_asked_for(cli: Cli, options: tuple[str, ...]) -> None:
    ran = cli("orders", "list", "--xyz", "red", *options)
    assert ran.code == 2
    assert json.loads(ran.err) == {"code": "usage", "detail": "No such option: --xyz"}


@pytest.mark.parametrize("group", [(), ("inventory",), ("orders",), ("db",), ("config",)])
def test_a_group_without_a_command_shows_its_help(cli: Cli, group: tuple[str, ...]) -> None:
    ran = cli(*group)
    assert (ran.code, ran.err) == (2, "")
    assert "Commands" in ran.out


def test_the_version_is_printed(cli: Cli) -> None:
    ran = cli("--version")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("oms 0.")


def test_ctrl_c_is_130_without_a_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Stock, "get", interrupt)
    ran = cli("inventory", "show", "WIDGET")
    assert (ran.code, ran.out, ran.err) == (130, "", "")


def test_what_could_move_a_terminals_cursor_is_escaped() -> None:
    assert printable("a\x1b[31mb\r\nc\u200b\udc80\u2028é漢") == "a\\x1b[31mb\\r\\nc\\u200b\\udc80\\u2028é漢"


def test_without_what_serves_the_extra_is_named(tmp_path: Path) -> None:
    code = "import sys; sys.modules['granian'] = None; from oms_cli.main import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "serve"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "error: invalid_setting: this needs granian; install orderkeep with the extra 'http'\n"


def test_what_no_table_of_errors_knows_is_told_with_what_led_to_it(cli: Cli, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/oms.db"
    with Oms.open(Settings(database_url=url)) as oms:
        oms.check()
        with closing(sqlite3.connect(tmp_path / "oms.db")) as connection:
            connection.execute("CREATE TRIGGER t BEFORE INSERT ON products BEGIN SELECT RAISE(ABORT, 'made up'); END")
        ran = replace(cli, oms=oms)("inventory", "set", "WIDGET", "5")
    assert ran.code == 1
    assert "IntegrityError: made up\n" in ran.err
    assert ran.err.splitlines()[-1].startswith("error: internal_error: ")
