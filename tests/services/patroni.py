"""Patroni: members of a private cluster of PostgreSQL servers that elect their leader over etcd."""

from __future__ import annotations

import json
import os
import shutil
import signal
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped, unused-ignore]

from tests.services.etcd import private_etcd
from tests.services.postgresql import ACCOUNT_FOR_ROOT, DURABILITY_OFF, installed_binaries
from tests.services.processes import ServerCommand, ServerProcess
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port
from tests.services.unusable import ServerUnusable
from tests.services.waiting import wait_until

ANSWER_SECONDS = 5
ELECTION_SECONDS = 60
# Of a killed leader the others learn when its lease of so many seconds has run out (30 by default).
LEASE_SECONDS = 6
TRUST = [f"host {what} all {LOOPBACK}/32 trust" for what in ("all", "replication")]


class PatroniMember(ServerProcess):
    """One Patroni and the PostgreSQL that it runs."""

    def __init__(self, run: Run, name: str, etcd_url: str) -> None:
        """Prepare a member. Raises ServerUnusable where Patroni or PostgreSQL is not installed."""
        program = shutil.which("patroni")
        if program is None:
            raise ServerUnusable("patroni is not installed")
        self.name = name
        self.place = f"{LOOPBACK}:{free_port()}"
        folder = run.new_folder(f"patroni-{name}")
        user = ACCOUNT_FOR_ROOT if os.geteuid() == 0 else ""
        if user:
            shutil.chown(folder, user)
        self._data = folder / "data"
        rest = f"{LOOPBACK}:{free_port()}"
        configuration = folder / "patroni.yml"  # JSON is YAML.
        configuration.write_text(json.dumps(self._configuration(rest, etcd_url, folder)))
        command = ServerCommand(
            name=f"Patroni {name}",
            url=f"http://{rest}",
            check=check,
            command=[program, str(configuration)],
            folder=folder,
            environment={},
            user=user,
            stop_signal=signal.SIGTERM,
        )
        super().__init__(run, command)

    def kill(self) -> None:
        """Kill -9 Patroni and PostgreSQL, as a power cut would."""
        postgresql = self._postgresql()
        super().kill()
        for process in postgresql:
            with suppress(
                psutil.NoSuchProcess
            ):  # Without the postmaster, which is first, the others end by themselves.
                process.kill()
        psutil.wait_procs(postgresql, timeout=ANSWER_SECONDS)

    def cluster(self) -> dict[str, str]:
        """Return the role of each member that runs, as this one knows it."""
        with urllib.request.urlopen(f"{self.url}/cluster", timeout=ANSWER_SECONDS) as answer:
            members: list[Any] = json.load(answer)["members"]
        return {each["name"]: each["role"] for each in members if each["state"] in {"running", "streaming"}}

    def switch_over(self, candidate: PatroniMember) -> None:
        """Ask this member, the leader, to make another one the leader; returns when that is done or refused."""
        body = json.dumps({"leader": self.name, "candidate": candidate.name}).encode()
        request = urllib.request.Request(f"{self.url}/switchover", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=ELECTION_SECONDS) as answer:
            answer.read()

    def _postgresql(self) -> list[psutil.Process]:
        lock_file = self._data / "postmaster.pid"
        if not lock_file.exists():
            return []
        try:
            head = psutil.Process(int(lock_file.read_text().split()[0]))
            return [head, *head.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _configuration(self, rest: str, etcd_url: str, folder: Path) -> dict[str, object]:
        return {
            "scope": "oms",
            "name": self.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"host": urlsplit(etcd_url).netloc},
            "bootstrap": {
                "dcs": {"ttl": LEASE_SECONDS, "loop_wait": 1, "retry_timeout": 2, "synchronous_mode": True},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}],
            },
            "postgresql": {
                "listen": self.place,
                "connect_address": self.place,
                "data_dir": str(self._data),
                "bin_dir": str(installed_binaries().folder),
                "pgpass": str(folder / "pgpass"),
                "authentication": {"superuser": {"username": "postgres"}, "replication": {"username": "follower"}},
                "parameters": {**DURABILITY_OFF, "unix_socket_directories": "", "max_connections": 100},
                "pg_hba": TRUST,
            },
        }


class PatroniCluster:
    """An etcd, and two members of which one follows the other synchronously."""

    def __init__(self, run: Run) -> None:
        """Prepare all. Raises ServerUnusable."""
        self._etcd = private_etcd(run)
        # FIRST and ANY are words of synchronous_standby_names, and no names for members.
        self.members = [PatroniMember(run, name, self._etcd.url) for name in ("alpha", "beta")]

    @property
    def url(self) -> str:
        """A URL of both members that leads to the one that can be written to."""
        places = ",".join(member.place for member in self.members)
        return f"postgresql://postgres@{places}/postgres?target_session_attrs=read-write"

    def start(self) -> None:
        """Start all, and wait until the second follows the first. Raises ServerUnusable."""
        self._etcd.start()
        for member in self.members:
            member.start()
            self.await_leader(self.members[0])
        self.await_standby(self.members[1])

    def await_leader(self, member: PatroniMember) -> None:
        """Wait until a member leads."""
        self._await_role(member, "leader")

    def await_standby(self, member: PatroniMember) -> None:
        """Wait until a member follows synchronously."""
        self._await_role(member, "sync_standby")

    def discard(self) -> None:
        """Stop all, by force where it takes long."""
        for member in reversed(self.members):
            member.stop()
            member.kill()
        self._etcd.stop()

    def _await_role(self, member: PatroniMember, role: str) -> None:
        def has_it() -> bool:
            try:
                return member.cluster().get(member.name) == role
            except OSError:
                return False

        wait_until(has_it, ELECTION_SECONDS, f"{member.name} is {role}")


def check(url: str) -> None:
    """Ask whether Patroni itself answers. Raises ServerUnusable."""
    try:
        with urllib.request.urlopen(f"{url}/liveness", timeout=ANSWER_SECONDS) as answer:
            answer.read()
    except OSError as error:
        raise ServerUnusable(str(error)) from error
