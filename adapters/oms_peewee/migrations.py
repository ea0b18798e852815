"""The migrations of oms_ddl: numbered SQL files, each applied once, in order, and never changed once released."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

_NEEDS = "-- needs: "


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file: its name without `.sql`, and what is in it."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def needs(self) -> str | None:
        """The migration that code must know to run on a database that has this one; None where any code runs on.

        It is named by a first line `-- needs: NAME`, which a file has that takes away what older code uses.
        """
        first = self.sql.partition("\n")[0]
        return first.removeprefix(_NEEDS).strip() if first.startswith(_NEEDS) else None


def migrations(dialect: str) -> list[Migration]:
    """Read this release's migrations for `postgresql` or `sqlite`, in their order."""
    folder = files("oms_ddl") / dialect
    found = [
        Migration(name=file.name.removesuffix(".sql"), sql=file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.name)


def sqlite_statements(sql: str) -> Iterator[str]:
    """Cut a script into statements, which is how SQLite's driver takes them without committing first."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""
