"""Settings: every one of them, from every source, and a wrong one named in one line."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from oms_core import OmsError, Settings
from oms_core.settings.checks import variable
from oms_core.settings.sources import installed_groups, load_settings
from oms_http.settings import HttpSettings

# For each setting: another good value as it stands in the environment, what it is then, and values that are wrong.
SETTINGS: dict[str, tuple[str, object, list[object]]] = {
    "database_url": ("memory://", "memory://", ["oms.db", "/oms.db", "postgresql://[::1/oms", 5, None]),
    "database_read_url": (
        "postgres://u:p@a,b/oms",
        "postgres://u:p@a,b/oms",
        ["oms.db", "postgresql://[::1/oms", 5, None],
    ),
    "replica_lag_seconds_max": ("1", 1, [0, 86_401, "x", 0.5]),
    "queue_url": ("amqps://u:p@host/v", "amqps://u:p@host/v", ["host", "amqp//x", 5, None]),
    "queue_prefix": ("shop-1.test_2", "shop-1.test_2", ["a b", "x" * 65, "ä", 5]),
    "worker_batch_max": ("1", 1, [0, 501, "x"]),
    "local_caller": ("shop-1", "shop-1", ["a\u200bb", "x" * 256, "worker", "Worker", " a", "a\x07", 5, None]),
    "commands_caller": ("Bücher & Töne", "Bücher & Töne", ["a\x00", "x" * 256, "WORKER", "a ", 5, None]),
    "key_days_max": ("90", 90, [-1, 36_526, "x"]),
    "max_attempts": ("100", 100, [0, 101, "x"]),
    "hold_seconds": ("900", 900, [-1, "x", 0.5]),
    "hold_seconds_max": ("3600", 3_600, [0, "x", 0.5]),
    "hold_extensions_max": ("0", 0, [-1, "x", 0.5]),
    "rate_limit_url": ("redis://host/1", "redis://host/1", ["host", 5, None]),
    "rate_limits": ("default=5/minute", "default=5/minute", [5, None]),
    "auth": ("keys", "keys", ["on", "OFF", True, None]),
    "host": ("0.0.0.0", "0.0.0.0", [1, None]),
    "port": ("0", 0, ["x", "80.5", "80.0", "8_080", " 8080", "\u0668", "9" * 50, "", -1, 65_536, True, 80.0, None]),
    "tls_certificate": ("tls/oms.crt", "tls/oms.crt", [1, None]),
    "tls_key": ("/etc/oms.key", "/etc/oms.key", [1, None]),
    "trusted_proxies": (
        "127.0.0.1, 10.0.0.0/8,::1",
        ("127.0.0.1", "10.0.0.0/8", "::1"),
        ["localhost", "10.0.0.1/8", "10.0.0.0/33", "*", (1,), "unix:"],
    ),
    "cors_origins": (
        "https://shop.example,http://localhost:3000,*",
        ("https://shop.example", "http://localhost:3000", "*"),
        [
            *("shop.example", "https://shop.example/", "HTTPS://shop.example", "https://Shop.example", "null", (1,)),
            *(
                "https://u@shop.example",
                "https://shop.example:443",
                "https://shop.example:x",
                "https://",
                "ftp://x.example",
            ),
            *("https://*.shop.example/x", "https://shop.example?x"),
        ],
    ),
    "http_rate_limit": (
        "100/hour",
        "100/hour",
        ["100", "0/second", "address=1/second", "1/second;2/second", 5],
    ),
    "http_processes": ("64", 64, ["x", -1, 65, True]),
    "http_threads": ("2", 2, [1, 1_025]),
    "http_in_flight_max": ("1", 1, [0, 100_001]),
    "http_caller_in_flight_max": ("7", 7, [-1, 100_001]),
    "http_latency_target_ms": ("0", 0, [-1, 60_001]),
    "http_request_batches": ("off", False, ["maybe", 1, None]),
    "http_body_timeout_seconds": ("1", 1, [0, 3_601]),
    "http_lame_duck_seconds": ("15", 15, [-1, 3_601, "x", 1.5]),
    "http_stop_timeout_seconds": ("3600", 3_600, [0, 3_601]),
    "metrics_address": ("127.0.0.1:9000", "127.0.0.1:9000", [9_000]),
    "currency": ("JPY", "JPY", ["eur", "EUX", "EURO", 978]),
    "locations": ("north, main,,", ("north", "main"), ["main,main", "a/b", ".", (), ("main", 1), ["main"], "main\x00"]),
    "locations_strict": ("on", True, ["maybe", 1, None]),
    "group_commit": ("OFF", False, ["maybe", 1, None]),
    "log_format": ("json", "json", ["xml", 1]),
    "log_level": ("debug", "debug", ["DEBUG", "trace"]),
    "storage_deadline_seconds": ("60", 60, [0, 3_601, 1.5]),
    "lock_timeout_seconds": ("60", 60, [0, 3_601]),
    "statement_timeout_seconds": ("60", 60, [0, 3_601]),
    "prepared_statements": ("no", False, ["maybe", "off "]),
}
WRONG = [(name, value) for name, (_, _, values) in SETTINGS.items() for value in values]
WRONG_TEXTS = [(name, value) for name, value in WRONG if isinstance(value, str) and value]


GROUP_OF: dict[str, type[Any]] = {entry.name: group for group in installed_groups() for entry in fields(group)}


def refusal(**given: Any) -> OmsError:
    (name,) = given
    with pytest.raises(OmsError) as caught:
        GROUP_OF[name](**given)
    return caught.value


def load(name: str, environment: dict[str, str], file: Path | None = None) -> object:
    """Load the group that a setting belongs to, and give the setting's value."""
    return getattr(load_settings(GROUP_OF[name], environment, file=file), name)


def test_the_groups_of_settings_are_found_the_cores_first() -> None:
    assert installed_groups() == [Settings, HttpSettings]


def test_every_setting_is_tested_and_belongs_to_one_group() -> None:
    assert SETTINGS.keys() == GROUP_OF.keys()
    assert len(GROUP_OF) == sum(len(fields(group)) for group in installed_groups())


@pytest.mark.parametrize("group", installed_groups())
def test_a_wrong_setting_of_another_group_is_told_too(group: type[Any], tmp_path: Path) -> None:
    file = tmp_path / "oms.toml"
    file.write_text("http_threads = 1\n")
    for given in ({"environment": {"OMS_MAX_ATTEMPTS": "0"}}, {"environment": {}, "file": file}):
        with pytest.raises(OmsError, match=r"OMS_(MAX_ATTEMPTS|HTTP_THREADS) must be"):
            load_settings(group, **given)  # type: ignore[arg-type]


def test_each_group_takes_its_own_of_what_is_given(tmp_path: Path) -> None:
    file = tmp_path / "oms.toml"
    file.write_text('http_threads = 8\ncurrency = "JPY"\n')
    given: dict[str, Any] = {"file": file, "flags": {"port": 1, "host": "::1"}}
    assert load_settings(Settings, {"OMS_MAX_ATTEMPTS": "2"}, **given) == Settings(
        currency="JPY", host="::1", max_attempts=2
    )
    assert load_settings(HttpSettings, {"OMS_MAX_ATTEMPTS": "2"}, **given) == HttpSettings(http_threads=8, port=1)


def test_a_flag_that_no_group_has_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="prot"):
        load_settings(HttpSettings, {}, flags={"prot": 1})


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_read_from_the_environment(name: str) -> None:
    text, value, _ = SETTINGS[name]
    assert load(name, {variable(name): text}) == value


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_read_from_the_file_as_text_or_in_its_own_type(name: str, tmp_path: Path) -> None:
    text, value, _ = SETTINGS[name]
    shown = {bool: str(value).lower(), tuple: str(list(value) if isinstance(value, tuple) else "")}
    for number, written in enumerate([repr(text), shown.get(type(value), repr(value))]):
        file = tmp_path / f"{number}.toml"
        file.write_text(f"{name} = {written}\n", encoding="utf-8")
        assert load(name, {}, file) == value


@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
def test_a_wrong_setting_is_named_in_one_line(name: str, value: object) -> None:
    error = refusal(**{name: value})
    assert error.code == "invalid_setting"
    assert variable(name) in error.detail
    assert "\n" not in error.detail


@pytest.mark.parametrize(("name", "text"), WRONG_TEXTS, ids=str)
def test_a_wrong_variable_is_named_in_one_line(name: str, text: str) -> None:
    with pytest.raises(OmsError) as caught:
        Settings.load({variable(name): text})
    assert caught.value.code == "invalid_setting"
    assert variable(name) in caught.value.detail


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "locations"])
@pytest.mark.parametrize("written", ["[1]", "{a = 1}", "1979-05-27"])
def test_a_wrong_type_in_the_file_is_named(name: str, written: str, tmp_path: Path) -> None:
    file = tmp_path / "oms.toml"
    file.write_text(f"{name} = {written}\n")
    with pytest.raises(OmsError, match=variable(name)):
        Settings.load({}, file=file)


def test_flags_go_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "oms.toml"
    file.write_text('max_attempts = 1\nhost = "file"\ncurrency = "JPY"\n')
    environment = {"OMS_MAX_ATTEMPTS": "2", "OMS_HOST": "environment"}
    settings = Settings.load(environment, file=file, max_attempts=3, host=None)
    assert (settings.max_attempts, settings.host, settings.currency) == (3, "environment", "JPY")


def test_an_unknown_variable_is_named_and_the_tests_own_are_not_meant() -> None:
    assert Settings.load({"OMS_TEST_POSTGRESQL_URL": "x", "PATH": "x", "OMS_PORT": "", "HOMS_X": "y"}) == Settings()
    with pytest.raises(OmsError, match="OMS_DATABSE_URL is not a setting"):
        Settings.load({"OMS_DATABSE_URL": "memory://"})


def test_an_unknown_key_of_the_file_is_named_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "oms.toml"
    file.write_text("prot = 1\n")
    with pytest.raises(OmsError, match=re.escape(f"prot in {file} is not a setting")):
        Settings.load({}, file=file)


@pytest.mark.parametrize("content", [b"port = ", b"\xff", b"port = 1\nport = 2"])
def test_a_file_that_cannot_be_read_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "oms.toml"
    file.write_bytes(content)
    with pytest.raises(OmsError, match=re.escape(f"{file} cannot be read")):
        Settings.load({}, file=file)


def test_a_missing_file_is_an_empty_one(tmp_path: Path) -> None:
    assert Settings.load({}, file=tmp_path / "oms.toml") == Settings()


def test_the_file_is_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "oms.toml"
    file.write_text('locations = ["Köln"]\n', encoding="utf-8")
    assert Settings.load({}, file=file).default_location == "Köln"


def test_a_wrong_database_url_does_not_show_its_password() -> None:
    assert "hush" not in refusal(database_url="postgresql://oms:hush@[::1/oms").detail


def test_the_first_location_is_the_default() -> None:
    assert Settings(locations=("north", "main")).default_location == "north"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "::1%lo", "localhost", "LocalHost"])
def test_nobody_needs_a_key_on_loopback_unless_it_is_said(host: str) -> None:
    assert Settings(host=host).auth_in_force == "off"
    assert Settings(host=host, auth="keys").auth_in_force == "keys"


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.0.2.1", "oms.example", "::ffff:0.0.0.0", "127.1", "lo"])
def test_keys_are_asked_for_wherever_others_could_come_from(host: str) -> None:
    assert Settings(host=host).auth_in_force == "keys"
    assert Settings(host=host, auth="off").auth_in_force == "off"
