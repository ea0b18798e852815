"""What SQLite's errors mean: one table from its codes to a fault, and to what an operator can do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from oms_peewee.faults import Fault, Meaning


class FileMovedError(Exception):
    """The database's file is not at its place any more: deleted, or another one stands there."""


_RIGHTS = "let the service's user read and write the file and its folder"
_RESTORE = "restore the file from a backup (docs/running.md)"
_PRIMARY_CODE = 0xFF

# By SQLite's extended code, or by its primary one (sqlite.org/rescode.html). What is not listed is a defect.
_MEANINGS: Mapping[int, Meaning] = {
    sqlite3.SQLITE_BUSY: Meaning(Fault.BUSY),
    sqlite3.SQLITE_LOCKED: Meaning(Fault.BUSY),
    sqlite3.SQLITE_PROTOCOL: Meaning(Fault.BUSY),
    sqlite3.SQLITE_READONLY: Meaning(Fault.UNUSABLE, _RIGHTS),
    sqlite3.SQLITE_PERM: Meaning(Fault.UNUSABLE, _RIGHTS),
    sqlite3.SQLITE_AUTH: Meaning(Fault.UNUSABLE, _RIGHTS),
    sqlite3.SQLITE_CANTOPEN: Meaning(Fault.UNUSABLE, _RIGHTS),
    sqlite3.SQLITE_CORRUPT: Meaning(Fault.UNUSABLE, _RESTORE),
    sqlite3.SQLITE_NOTADB: Meaning(Fault.NO_DATABASE, _RESTORE),
    sqlite3.SQLITE_FULL: Meaning(Fault.NO_ROOM, "make room on the disk of the file"),
    sqlite3.SQLITE_NOMEM: Meaning(Fault.NO_ROOM, "give the machine more memory"),
    sqlite3.SQLITE_IOERR: Meaning(Fault.UNAVAILABLE, "look at the disk of the file"),
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Meaning(Fault.TAKEN),
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Meaning(Fault.TAKEN),
}
_DEFECT = Meaning(Fault.DEFECT)
# SQLite has no code of its own for these.
_MISSING = ("no such table", "no such column", "has no column named")


def meaning_of(error: Exception) -> Meaning:
    """Look up an error of the driver's."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, FileMovedError):
        return Meaning(Fault.UNUSABLE, f"stop the service, and {_RESTORE}")
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return _DEFECT
    if any(text in str(cause) for text in _MISSING):
        return Meaning(Fault.OUTDATED)
    return _MEANINGS.get(code) or _MEANINGS.get(code & _PRIMARY_CODE, _DEFECT)
