"""PgBouncer: a private one in front of a PostgreSQL server, from installed binaries."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

from tests.services.postgresql import ACCOUNT_FOR_ROOT, connected
from tests.services.processes import ServerCommand, ServerProcess
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port
from tests.services.unusable import ServerUnusable

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
STANDARD_PORT = 5432
# Whoever connects becomes the user that the server's URL names, and the password does not matter.
BY_TRUST = {"auth_type": "any"}
SMALL = {"default_pool_size": "20", "max_client_conn": "500", "server_login_retry": "1"}


class PrivatePgbouncer(ServerProcess):
    """Lends its few connections to a server for a transaction each; `url` is of the database that the server's names.

    `settings` are those of the section [pgbouncer].
    """

    def __init__(self, run: Run, server_url: str, *, settings: Mapping[str, str] = NO_SETTINGS) -> None:
        """Prepare one. Raises ServerUnusable where there is no PgBouncer."""
        program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
        if program is None:
            raise ServerUnusable("pgbouncer is not installed")
        server, port = urlsplit(server_url), free_port()
        folder = run.new_folder("pgbouncer")
        user = ACCOUNT_FOR_ROOT if os.geteuid() == 0 else ""
        given = {"listen_addr": LOOPBACK, "listen_port": port, "unix_socket_dir": "", "pool_mode": "transaction"}
        lines = [f"{name} = {value}" for name, value in {**given, **BY_TRUST, **SMALL, **settings}.items()]
        password = f" password={server.password}" if server.password else ""
        target = f"host={server.hostname} port={server.port or STANDARD_PORT} user={server.username}{password}"
        configuration = folder / "pgbouncer.ini"
        configuration.write_text("\n".join(["[databases]", f"* = {target}", "[pgbouncer]", *lines, ""]))
        self._server = server
        here = urlunsplit(server._replace(netloc=f"{server.username}@{LOOPBACK}:{port}"))
        command = ServerCommand(
            name="PgBouncer",
            url=here,
            check=check,
            command=[program, str(configuration)],
            folder=folder,
            environment={},
            user=user,
            stop_signal=signal.SIGINT,
        )
        super().__init__(run, command)

    def url_of(self, url: str) -> str:
        """Return the URL that leads through this to a database of the server behind, given the direct one."""
        return urlunsplit(urlsplit(url)._replace(netloc=urlsplit(self.url).netloc))


def check(url: str) -> None:
    """Ask the server behind for nothing. Raises ServerUnusable."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
