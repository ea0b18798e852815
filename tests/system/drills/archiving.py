"""A PostgreSQL server that archives its WAL, and another that is restored from a base backup and that archive."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from tests.services.postgresql import ACCOUNT_FOR_ROOT, DURABILITY_OFF, PrivatePostgresql, binaries, connected
from tests.services.run import Run
from tests.services.waiting import wait_until

ARCHIVING_SECONDS = 30
RESTORING_SECONDS = 60


class ArchivingPostgresql(PrivatePostgresql):
    """Copies each finished segment of its WAL to `archive`."""

    def __init__(self, run: Run) -> None:
        self.archive = folder_of_server(run, "archive")
        into = f"{self.archive}/%f"
        settings = {
            "archive_mode": "on",
            "archive_command": f"test ! -f {into} && cp %p {into}.part && mv {into}.part {into}",
        }
        super().__init__(run, settings={**DURABILITY_OFF, **settings})

    def back_up(self, folder: Path) -> None:
        """Take a base backup while the server runs, with the WAL that it needs."""
        program = binaries().folder / "pg_basebackup"
        at = urlsplit(self.url)
        where = [f"--host={at.hostname}", f"--port={at.port}", f"--username={at.username}"]
        command = [str(program), *where, f"--pgdata={folder}", "--checkpoint=fast", "--wal-method=stream"]
        subprocess.run([*command, "--no-sync"], check=True, capture_output=True, text=True)

    def archive_all(self) -> None:
        """Finish the segment that is being written, and wait until the archive has it."""
        with connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_walfile_name(pg_switch_wal())")
            ((segment,),) = cursor.fetchall()
        wait_until((self.archive / segment).exists, ARCHIVING_SECONDS, f"{segment} is in the archive")


class RestoredPostgresql(PrivatePostgresql):
    """Begins with a base backup, and replays the archive up to a moment."""

    def __init__(self, run: Run, *, backup: Path, archive: Path, until: datetime) -> None:
        settings: Mapping[str, str] = {
            "restore_command": f"cp {archive}/%f %p",
            "recovery_target_time": until.isoformat(),
            "recovery_target_action": "promote",
        }
        super().__init__(run, settings={**DURABILITY_OFF, **settings})
        shutil.rmtree(self._data)
        shutil.copytree(backup, self._data)
        (self._data / "recovery.signal").touch()
        self._data.chmod(0o700)
        give_to_server(self._data)

    def restore(self) -> None:
        """Start it, and wait until it takes orders."""
        self.start()
        wait_until(self._is_primary, RESTORING_SECONDS, "the server has replayed the archive")

    def _is_primary(self) -> bool:
        with connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT NOT pg_is_in_recovery()")
            ((is_primary,),) = cursor.fetchall()
            return bool(is_primary)


def folder_of_server(run: Run, name: str) -> Path:
    """Make a folder that the server may write to."""
    folder = run.new_folder(name)
    give_to_server(folder)
    return folder


def give_to_server(folder: Path) -> None:
    """Make the server's account the owner of everything in a folder, where it is not ours."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, ACCOUNT_FOR_ROOT)
