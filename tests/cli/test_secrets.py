"""A password in any URL setting, driven through whatever can go wrong with it: no command ever shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from oms_cli.commands.session import Invocation, Surroundings
from oms_cli.main import app
from tests.cli.conftest import Ran
from tests.cli.programs import Program

SENTINEL = "s3nt1nel"
ENCODED = "s3nt%31nel"

# Shapes of a URL with a password: `S` stands for the scheme, `P` for the password. Nobody listens at port 1.
SHAPES = [
    "S://ann:P@127.0.0.1:1/shop",
    "S://ann:P@no-such-host.invalid/shop",
    "S://ann:P@x@127.0.0.1:1/shop",
    "S://ann:x@P@127.0.0.1:1/shop",
    "S://ann:1/P@127.0.0.1:1/shop",
    "S://ann:1?P@127.0.0.1:1/shop",
    "S://ann:1#P@127.0.0.1:1/shop",
    "S://ann:x/P@127.0.0.1:1/shop",
    "S://ann:P@127.0.0.1:port/shop",
    "S://ann:P@[::1/shop",
    "S://:P@127.0.0.1:1/0",
    "S://127.0.0.1:1/0?password=P",
    "S://127.0.0.1:1/0?pass%77ord=P",
    "S://127.0.0.1:1/0?sslpassword=P&ssl_keyfile_password=P",
    "S://127.0.0.1:1/0?unknown=P",
    "S://ann:P@127.0.0.1:1/0?sslmode=nonsense&heartbeat=x&socket_timeout=x",
    "S:ann:P@127.0.0.1",
    "nonsense://ann:P@127.0.0.1/shop",
    "ann:P@127.0.0.1/shop",
    "P",
]
PLACE = ("orders", "place", "--customer", "C1", "--line", "WIDGET:1")
SETTINGS = {
    "OMS_DATABASE_URL": ("postgresql", ("db", "status")),
    "OMS_QUEUE_URL": ("amqp", ("queue", "status")),
    "OMS_RATE_LIMIT_URL": ("redis", PLACE),
}
# Of several servers; `S` and `P` are as above.
SHAPES_OF_MANY = [
    "S://ann:P@127.0.0.1:1,127.0.0.1:2/shop",
    "S://ann:P@x@127.0.0.1:1,127.0.0.1:2/shop",
    "S://ann:P,x@127.0.0.1:1,127.0.0.1:2/shop",
    "S://ann:x@127.0.0.1:1,bob:P@127.0.0.1:2/shop",
    "S://ann:P@127.0.0.1:1,127.0.0.1:port/shop",
    "S://ann:P@127.0.0.1:1,,/shop",
    "S://127.0.0.1:1,127.0.0.1:2/shop?sentinel_password=P&sentinel_username=ann",
]


def run(folder: Path, *args: str, **variables: str) -> Ran:
    """Run a command in this process; a defect passes through. What it says must not hold the password."""
    environment = {
        "OMS_DATABASE_URL": f"sqlite:///{folder / 'oms.db'}",
        "OMS_RATE_LIMITS": "orders.place=100/second",
        "OMS_STORAGE_DEADLINE_SECONDS": "1",
        **variables,
    }
    surroundings = Surroundings(environment=environment, folder=folder)
    done = CliRunner().invoke(app, args, obj=Invocation(surroundings), prog_name="oms", catch_exceptions=False)
    text = done.stdout + done.stderr
    assert SENTINEL not in text
    assert ENCODED not in text
    return Ran(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a database in it."""
    assert run(tmp_path, "db", "upgrade").code == 0
    return tmp_path


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("shape", SHAPES)
def test_no_command_shows_the_password_of_a_url(folder: Path, setting: str, shape: str) -> None:
    scheme, command = SETTINGS[setting]
    for password in (SENTINEL, ENCODED) if shape == SHAPES[0] else (SENTINEL,):
        given = {setting: shape.replace("S", scheme, 1).replace("P", password)}
        ran = run(folder, *command, **given)
        assert ran.err.count("\n") <= 1, "an error is one line"
        run(folder, "config", "show", "-o", "csv", **given)


@pytest.mark.parametrize(
    ("setting", "scheme", "command"),
    [
        ("OMS_QUEUE_URL", "amqp", ("queue", "status")),
        ("OMS_RATE_LIMIT_URL", "redis+sentinel", PLACE),
        ("OMS_RATE_LIMIT_URL", "rediss+cluster", PLACE),
    ],
)
def test_no_command_shows_the_password_of_a_url_with_several_hosts(
    folder: Path, setting: str, scheme: str, command: tuple[str, ...]
) -> None:
    for shape in SHAPES_OF_MANY:
        given = {setting: shape.replace("S", scheme, 1).replace("P", SENTINEL)}
        assert run(folder, *command, **given).err.count("\n") <= 1, "an error is one line"
        run(folder, "config", "show", "-o", "csv", **given)


def test_a_wrong_password_is_refused_without_repeating_it(folder: Path, rabbitmq_url: str) -> None:
    url = rabbitmq_url.replace("guest:guest", f"guest:{SENTINEL}")
    assert url != rabbitmq_url
    ran = run(folder, "queue", "status", OMS_QUEUE_URL=url)
    assert "it refuses the user or the password" in ran.out + ran.err


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_service_that_cannot_start_says_so_without_the_password(folder: Path, setting: str) -> None:
    scheme, _ = SETTINGS[setting]
    url = f"{scheme}://ann:{SENTINEL}@127.0.0.1:1/%zz?sslmode=nonsense&heartbeat=x&socket_timeout=x&db=x"
    variables = {
        "OMS_STORAGE_DEADLINE_SECONDS": "1",
        "OMS_LOG_LEVEL": "debug",
        "OMS_RATE_LIMITS": "default=1/second",
        setting: url,
    }
    program = Program(folder=folder, database_url=f"sqlite:///{folder / 'oms.db'}", variables=variables)
    ran = program.run("serve", "--port", "0")
    assert ran.returncode in {2, 7}
    assert SENTINEL not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_settings_file_with_a_url_of_the_wrong_type_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "oms.toml").write_text(f'queue_url = ["amqp://ann:{SENTINEL}@127.0.0.1"]\n')
    assert run(tmp_path, "config", "show").err == "error: invalid_setting: OMS_QUEUE_URL must be text\n"


def test_a_url_that_could_be_read_in_two_ways_is_refused(folder: Path) -> None:
    ran = run(folder, "queue", "status", OMS_QUEUE_URL=f"amqp://ann:1/{SENTINEL}@127.0.0.1/")
    assert ran.code == 2
    assert "OMS_QUEUE_URL must have the special characters of user and password percent-encoded" in ran.err
