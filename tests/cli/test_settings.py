"""Settings on the command line, and `oms config show`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from oms_cli.terminal.masking import mask_url
from oms_core.settings.sources import installed_groups
from tests.cli.conftest import Cli


def shown(cli: Cli, *options: str, **environment: str) -> dict[str, tuple[object, str]]:
    ran = cli("config", "show", *options, "-o", "json", **environment)
    assert ran.code == 0, ran.err
    return {row["setting"]: (row["value"], row["source"]) for row in ran.json}


def test_every_setting_is_shown_with_its_default(cli: Cli) -> None:
    found = shown(cli)
    assert set(found) == {entry.name for group in installed_groups() for entry in fields(group)}
    assert found["port"] == (8080, "default")
    assert found["locations"] == ("main", "default")
    assert found["group_commit"] == (True, "default")


def test_a_flag_is_over_the_environment_and_that_over_the_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "oms.toml").write_text('database_url = "sqlite:///file.db"\nport = 1\ncurrency = "USD"\n')
    found = shown(
        cli,
        "--database-url",
        "sqlite:///flag.db",
        OMS_DATABASE_URL="sqlite:///environment.db",
        OMS_PORT="2",
        OMS_HOST="",
    )
    assert found["database_url"] == ("sqlite:///flag.db", "flag --database-url")
    assert found["port"] == (2, "environment OMS_PORT")
    assert found["currency"] == ("USD", f"file {tmp_path / 'oms.toml'}")
    assert found["host"] == ("127.0.0.1", "default")


def test_a_settings_file_can_be_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "oms.toml").write_text("port = 1")
    other = tmp_path / "other.toml"
    other.write_text("port = 2\ngroup_commit = false")
    found = shown(cli, "--config", str(other))
    assert found["port"] == (2, f"file {other}")
    assert found["group_commit"] == (False, f"file {other}")


def test_a_named_settings_file_must_be_there(cli: Cli, tmp_path: Path) -> None:
    ran = cli("inventory", "list", "--config", str(tmp_path / "none.toml"))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"error: invalid_setting: --config: there is no file {tmp_path / 'none.toml'}\n"


@pytest.mark.parametrize(
    ("environment", "detail"),
    [
        ({"OMS_PORT": "http"}, "OMS_PORT must be a whole number; it is 'http'"),
        ({"OMS_PORT": "65536"}, "OMS_PORT must be a whole number from 0 to 65535; it is 65536"),
        ({"OMS_LOG_FORMAT": "xml"}, "OMS_LOG_FORMAT must be one of: text, json; it is 'xml'"),
        ({"OMS_PROT": "8080"}, "OMS_PROT is not a setting; `oms config show` lists them"),
        ({"OMS_DATABASE_URL": "oms.db"}, "OMS_DATABASE_URL must be a URL such as "),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(cli: Cli, environment: dict[str, str], detail: str) -> None:
    ran = cli("inventory", "list", **environment)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: invalid_setting: {detail}")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("content", ["port = ", "prot = 1", "port = 'x'", "\xff"])
def test_a_wrong_settings_file_is_one_line(cli: Cli, tmp_path: Path, content: str) -> None:
    (tmp_path / "oms.toml").write_bytes(content.encode("latin-1"))
    ran = cli("config", "show")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: invalid_setting: ")
    assert ran.err.count("\n") == 1


def test_passwords_are_masked(cli: Cli) -> None:
    url = "postgresql://oms:s3cret@db.example:5432/oms?sslmode=require"
    ran = cli("config", "show", "--database-url", url, "-o", "csv")
    assert "s3cret" not in ran.out
    assert "database_url,postgresql://oms:***@db.example:5432/oms?sslmode=require,flag --database-url" in ran.out


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("sqlite:///oms.db", "sqlite:///oms.db"),
        ("memory://", "memory://"),
        ("sqlite:////data/a:b@c.db", "sqlite:////data/a:b@c.db"),
        ("postgresql://oms@host/db", "postgresql://oms@host/db"),
        ("postgresql://oms:a@b:c@host/db", "postgresql://oms:***@host/db"),
        ("postgresql://oms:pa/ss@host/db", "postgresql://oms:***@host/db"),
        ("postgresql://:pw@host/db", "postgresql://:***@host/db"),
        ("postgresql:///db?host=/run&password=pw&user=u", "postgresql:///db?host=/run&password=***&user=u"),
        ("postgresql:///db?sslpassword=pw", "postgresql:///db?sslpassword=***"),
        ("postgresql://[broken:pw@host/db", "postgresql://[broken:***@host/db"),
        ("postgresql://host/db?pass%77ord=pw&PGPASSWORD=pw", "postgresql://host/db?pass%77ord=***&PGPASSWORD=***"),
        ("postgresql://host/db?options=-cx=pw&sslmode=require", "postgresql://host/db?options=***&sslmode=require"),
        ("amqps://host/?ssl_options={'password':'pw'}", "amqps://host/?ssl_options=***"),
        ("amqps://host/?cafile=/ca.pem&heartbeat=5", "amqps://host/?cafile=/ca.pem&heartbeat=5"),
        ("nats://oms:pw@a:4222,b:4222?replicas=3", "nats://oms:***@a:4222,b:4222?replicas=3"),
        ("tls://:token@host?cafile=/ca.pem", "tls://:***@host?cafile=/ca.pem"),
        ("redis://:p\nw@host/0", "redis://:***@host/0"),
        ("amqp:guest:pw@host", "amqp:***"),
        ("pw", "***"),
    ],
)
def test_a_url_is_masked_whatever_its_form(url: str, masked: str) -> None:
    assert mask_url(url) == masked


def test_the_table_speaks_the_language_of_the_settings_file(cli: Cli) -> None:
    out = cli("config", "show", OMS_GROUP_COMMIT="off", OMS_LOCATIONS="a,b").out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert rows["group_commit"] == ["off", "environment", "OMS_GROUP_COMMIT"]
    assert rows["locations"] == ["a,b", "environment", "OMS_LOCATIONS"]


def test_only_an_upgrade_may_make_a_database(cli: Cli) -> None:
    cli("db", "upgrade")
    cli("db", "status")
    cli("inventory", "list")
    assert [create for _, create in cli.opened] == [True, False, False]


def test_a_url_from_a_file_is_masked_and_says_where_it_stood(cli: Cli) -> None:
    secret = cli.folder / "secret"
    secret.write_text("postgresql://oms:hush@host/db\n")
    out = cli("config", "show", OMS_DATABASE_URL_FILE=str(secret)).out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert rows["database_url"] == ["postgresql://oms:***@host/db", "environment", "OMS_DATABASE_URL_FILE"]


def test_settings_in_a_file_with_a_byte_order_mark_are_shown(cli: Cli) -> None:
    (cli.folder / "oms.toml").write_bytes(b'\xef\xbb\xbflocations = ["K\xc3\xb6ln"]\n')
    rows = {line.split()[0]: line.split()[1] for line in cli("config", "show").out.splitlines()}
    assert rows["locations"] == "K\u00f6ln"


@pytest.mark.parametrize(
    ("environment", "actor"),
    [
        ({}, "local"),
        ({"OMS_LOCAL_CALLER": "back office"}, "back office"),
        ({"OMS_AUTH": "keys"}, "tester"),
        ({"OMS_HOST": "0.0.0.0"}, "tester"),
        ({"OMS_AUTH": "keys", "OMS_LOCAL_CALLER": "back office"}, "back office"),
    ],
    ids=str,
)
def test_the_actor_is_who_calls_without_keys_or_with_keys_in_force_the_os_user(
    cli: Cli, environment: dict[str, str], actor: str
) -> None:
    cli("inventory", "set", "WIDGET", "5", **environment)
    cli("inventory", "set", "WIDGET", "7", "--actor", "ann", **environment)
    assert [each.actor for each in cli.oms.stock.movements("WIDGET", caller=cli.caller).items] == ["ann", actor]
