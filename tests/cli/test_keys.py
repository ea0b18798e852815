"""`oms keys`."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oms_core import OmsError
from tests.cli.conftest import HOURS_AHEAD, Cli
from tests.cli.programs import Program

TOKEN = re.compile(r"oms_[0-9a-f]{32}_[0-9a-f]{64}")


def create(cli: Cli, name: str = "shop", *options: str) -> str:
    """Make a key; give its text."""
    ran = cli("keys", "create", name, "--scope", "orders:read", *options)
    assert ran.code == 0, ran.err
    return ran.out.rstrip("\n")


def test_a_new_key_stands_alone_on_stdout_and_opens(cli: Cli) -> None:
    ran = cli("keys", "create", "shop", "--scope", "orders:write", "--scope", "orders:read,inventory:read")
    assert TOKEN.fullmatch(ran.out.rstrip("\n"))
    assert ran.err == (
        "API key 1 of shop: inventory:read, orders:read, orders:write; does not expire\n"
        "keep it safe: it is not stored, and not shown again\n"
    )
    caller = cli.oms.authenticate(ran.out.strip())
    assert (caller.name, sorted(caller.scopes)) == ("shop", ["inventory:read", "orders:read", "orders:write"])


def test_a_new_key_as_json_and_as_csv(cli: Cli) -> None:
    shown = cli("keys", "create", "shop", "--scope", "orders:read", "--customer", "C1", "-o", "json").json
    assert TOKEN.fullmatch(shown["key"])
    assert (shown["name"], shown["customer_id"], shown["created_by"]) == ("shop", "C1", "local")
    ran = cli("keys", "create", "other", "--scope", "admin", "-o", "csv")
    (row,) = csv.DictReader(io.StringIO(ran.out))
    assert TOKEN.fullmatch(row["key"])
    assert (row["name"], row["scopes"], row["state"]) == ("other", "admin", "active")


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        ("90d", timedelta(days=90, hours=HOURS_AHEAD)),
        ("12h", timedelta(hours=12 + HOURS_AHEAD)),
    ],
)
def test_a_key_may_end_some_time_from_now(cli: Cli, expires: str, expected: timedelta) -> None:
    create(cli, "shop", "--expires", expires)
    (key,) = cli.oms.api_keys.get("shop", caller=cli.caller)
    assert key.lifetime is not None
    assert abs(key.lifetime - expected) < timedelta(minutes=5)


def test_a_key_may_end_at_a_time(cli: Cli) -> None:
    create(cli, "shop", "--expires", "2100-01-01T00:00:00+01:00")
    (key,) = cli.oms.api_keys.get("shop", caller=cli.caller)
    assert key.expires_at == datetime(2099, 12, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "Missing option '--scope'"),
        (("--scope", "root"), "'root' is no scope; there are orders:read"),
        (("--scope", "ADMIN"), "'ADMIN' is no scope"),
        (("--scope", ","), "/scopes: must name one scope at least"),
        (("--scope", "admin", "--customer", "C1"), "/scopes: must not hold admin"),
        (("--scope", "admin", "--expires", "soon"), "'soon' is no time"),
        (("--scope", "admin", "--expires", "2020-01-01"), "/expires_at: must be in the future"),
    ],
)
def test_a_wrong_key_is_not_made(cli: Cli, options: tuple[str, ...], said: str) -> None:
    ran = cli("keys", "create", "shop", *options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not cli.oms.api_keys.any()


def test_a_name_is_given_once(cli: Cli) -> None:
    create(cli)
    ran = cli("keys", "create", "shop", "--scope", "admin")
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.startswith("error: key_name_taken: the name 'shop' is taken")
    assert cli("keys", "create", "a b", "--scope", "admin").code == 2


def test_keys_are_listed_and_shown_without_their_secrets(cli: Cli) -> None:
    token = create(cli)
    create(cli, "other", "--customer", "C1")
    cli("keys", "rotate", "shop")
    listed = cli("keys", "list", "-o", "json")
    assert [(key["name"], key["number"]) for key in listed.json] == [("other", 1), ("shop", 1), ("shop", 2)]
    shown = cli("keys", "show", "shop", "-o", "json")
    assert [key["number"] for key in shown.json] == [2, 1]
    table = cli("keys", "list").out
    assert table.splitlines()[0].split()[:4] == ["NAME", "NUMBER", "STATE", "SCOPES"]
    for text in (listed.out, shown.out, table, cli("keys", "show", "shop", "-o", "csv").out):
        assert token[-64:] not in text
    assert cli("keys", "list", "--limit", "1").err == "the first 1 are shown; --limit N or --all shows more\n"
    assert len(cli("keys", "list", "--all", "-o", "jsonl").out.splitlines()) == 3


def test_no_keys_are_told(cli: Cli) -> None:
    assert cli("keys", "list").err == "no API keys; oms keys create makes one\n"
    for command in (("show", "x"), ("rotate", "x"), ("revoke", "x", "--yes")):
        ran = cli("keys", *command)
        assert (ran.code, ran.out) == (4, "")
        assert ran.err.startswith("error: key_not_found: no key has the name 'x'")


@pytest.mark.parametrize(
    ("options", "said", "opens"),
    [
        ((), "end within 24h", True),
        (("--overlap", "1h"), "end within 1h", True),
        (("--overlap", "0"), "have ended", False),
        (("--overlap", "0s"), "have ended", False),
    ],
)
def test_a_rotated_key_is_printed_and_the_former_ones_end(
    cli: Cli, options: tuple[str, ...], said: str, opens: bool
) -> None:
    first = create(cli)
    ran = cli("keys", "rotate", "shop", *options)
    assert cli.oms.authenticate(ran.out.strip()).name == "shop"
    assert ran.err.splitlines()[0] == "API key 2 of shop: orders:read; does not expire"
    assert ran.err.splitlines()[-1] == f"the former API keys of shop {said}"
    if opens:
        cli.oms.authenticate(first)
    else:
        with pytest.raises(OmsError, match="unauthenticated"):
            cli.oms.authenticate(first)


def test_nothing_is_said_of_former_keys_that_open_nothing(cli: Cli) -> None:
    create(cli)
    cli("keys", "revoke", "shop", "--yes")
    assert "former" not in cli("keys", "rotate", "shop").err


@pytest.mark.parametrize("overlap", ["soon", "-1h", "91d"])
def test_a_wrong_overlap_is_refused(cli: Cli, overlap: str) -> None:
    create(cli)
    assert cli("keys", "rotate", "shop", f"--overlap={overlap}").code == 2
    assert len(cli.oms.api_keys.get("shop", caller=cli.caller)) == 1


def test_revoking_asks_and_off_a_terminal_wants_a_yes(cli: Cli) -> None:
    token = create(cli)
    ran = cli("keys", "revoke", "shop")
    assert ran.code == 2
    assert "--yes" in ran.err
    cli.oms.authenticate(token)
    assert cli("keys", "revoke", "shop", "--yes").out == "revoked 1 API key of shop\n"
    with pytest.raises(OmsError, match="unauthenticated"):
        cli.oms.authenticate(token)
    (shown,) = cli("keys", "revoke", "shop", "--yes", "-o", "json").json
    assert (shown["state"], shown["revoked_by"]) == ("revoked", "local")


def test_the_first_key_makes_the_database_and_later_commands_do_not(tmp_path: Path) -> None:
    program = Program(folder=tmp_path, database_url=f"sqlite:///{tmp_path}/oms.db")
    ran = program.run("keys", "list")
    assert ran.returncode == 2
    assert "`oms keys create` make it" in ran.stderr
    assert not (tmp_path / "oms.db").exists()
    ran = program.run("keys", "create", "root", "--scope", "admin")
    assert ran.returncode == 0, ran.stderr
    assert TOKEN.fullmatch(ran.stdout.strip())
    assert program.run("keys", "list", "-o", "jsonl").stdout.count("\n") == 1
    assert ran.stdout.strip()[-64:].encode() not in (tmp_path / "oms.db").read_bytes()
