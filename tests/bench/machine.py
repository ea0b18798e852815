"""What everything is measured on: private servers that write durably, and what a table's reader must know of them."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.bench.generators import generator
from tests.services.postgresql import Binaries, PrivatePostgresql, binaries_of_wheel, connected, installed_binaries
from tests.services.rabbitmq import PrivateRabbitmq
from tests.services.run import new_run
from tests.services.unusable import ServerUnusable
from tests.services.wheels import ROOT

POSTGRESQL, RABBITMQ = "OMS_TEST_POSTGRESQL_URL", "OMS_TEST_RABBITMQ_URL"
# With group commit off, each of 512 requests may hold a connection; all else is PostgreSQL's default.
SETTINGS = {"max_connections": "1200"}


@contextmanager
def private_servers() -> Iterator[None]:
    """Start a PostgreSQL and a RabbitMQ that nobody else uses, which every measurement meanwhile finds and takes.

    What the environment names is taken instead. Raise ServerUnusable where one cannot be started.
    """
    before = {name: os.environ.get(name) for name in (POSTGRESQL, RABBITMQ)}
    with ExitStack() as ending:
        run = ending.enter_context(new_run())
        for name, make in (
            (POSTGRESQL, lambda: PrivatePostgresql(run, server_binaries(), settings=SETTINGS)),
            (RABBITMQ, lambda: PrivateRabbitmq(run)),
        ):
            if not before[name]:
                server = make()
                server.start()
                ending.callback(server.discard)
                os.environ[name] = server.url
        try:
            yield
        finally:
            for name in (name for name, given in before.items() if not given):
                del os.environ[name]


def described() -> Mapping[str, str]:
    """Say what the figures were taken on."""
    with connected(os.environ[POSTGRESQL]) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        version, fsync = cursor.fetchone()
    return {
        "cores": f"{os.cpu_count()}",
        "processor": _processor(),
        "python": platform.python_version(),
        "postgresql": f"{version.split()[0]}, fsync {fsync}",
        "load generator": generator(),
        "commit": _commit(),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def server_binaries() -> Binaries:
    """Take what the machine's distribution has, as a shop does, else what the tests take."""
    try:
        return installed_binaries()
    except ServerUnusable:
        found = binaries_of_wheel()
        if found is None:
            raise
        return found


def _processor() -> str:
    with Path("/proc/cpuinfo").open() as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
