"""Rate limits on the command line: the core counts orders whoever places them, and `serve` says where it counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.programs import Program
from tests.cli.serving import serving


@pytest.fixture
def program(tmp_path: Path) -> Program:
    program = Program(folder=tmp_path, database_url=f"sqlite:///{tmp_path}/oms.db")
    assert program.run("db", "upgrade").returncode == 0
    return program


def test_an_order_over_the_limit_is_one_line_and_exit_code_6(
    program: Program, redis_url: str, unique_name: str
) -> None:
    program.run("inventory", "set", "WIDGET", "10")
    limited = program.under(
        # A busy machine must not look like an absent Redis.
        OMS_RATE_LIMIT_URL=f"{redis_url}?socket_timeout=20&socket_connect_timeout=20",
        OMS_RATE_LIMITS="orders.place=1/day",
    )
    place = ("orders", "place", "--customer", "C1", "--line", "WIDGET:1", "--actor", unique_name)
    assert limited.run(*place).returncode == 0
    refused = limited.run(*place)
    assert (refused.returncode, refused.stdout) == (6, "")
    assert refused.stderr.startswith("error: rate_limited: the limit orders.place is 1 per 86400 s and caller; wait ")
    assert refused.stderr.count("\n") == 1


def test_the_start_says_that_memory_counts_per_process(program: Program) -> None:
    with serving(program.under(OMS_RATE_LIMITS="default=5/day")) as service:
        assert "rate limits are counted per process, in memory" in service.log


def test_without_limits_the_start_says_nothing_of_them(program: Program) -> None:
    with serving(program) as service:
        assert "rate limit" not in service.log


@pytest.mark.parametrize(
    ("variables", "detail"),
    [
        ({"OMS_RATE_LIMITS": "orders.place=many"}, "OMS_RATE_LIMITS must say count/second, /minute, /hour or /day"),
        (
            {"OMS_RATE_LIMITS": "default=1/second", "OMS_RATE_LIMIT_URL": "redis://:secret@host:port"},
            "OMS_RATE_LIMIT_URL must be redis:// or rediss://",
        ),
        ({"OMS_RATE_LIMIT_URL": "foo://x"}, "OMS_RATE_LIMIT_URL: nothing installed serves foo://"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(
    program: Program, variables: dict[str, str], detail: str
) -> None:
    ran = program.under(**variables).run("serve", "--port", "0")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"error: invalid_setting: {detail}")
    assert ran.stderr.count("\n") == 1
    assert "secret" not in ran.stderr


def test_the_password_of_redis_is_not_shown(cli: Cli) -> None:
    shown = cli("config", "show", OMS_RATE_LIMIT_URL="redis://user:secret@host:6379/0").out
    assert "secret" not in shown
    assert "redis://" in shown
