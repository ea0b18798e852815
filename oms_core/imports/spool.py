"""The temporary file of an import: a private SQLite database, which sorts and groups a million rows in a second.

For 1,000,000 rows in random order it was measured against sorted runs with heapq.merge: it is somewhat faster, takes
18 MB instead of 24, and finds duplicates, sums and rows too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

from oms_core.domain.import_commands import ImportReject
from oms_core.domain.limits import IMPORT_ERRORS_MAX
from oms_core.errors import FieldError, OmsError

_CACHE_KIB = 8_192
_PRAGMAS = ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_CACHE_KIB}")
_BAD = """CREATE TABLE bad (line INTEGER, "column" TEXT, code TEXT, detail TEXT, "values" TEXT,
  rows TEXT NOT NULL DEFAULT '[]')"""

SpoolType = TypeVar("SpoolType", bound="Spool")


class Spool:
    """A database of one import in the folder for temporary files (TMPDIR). It is gone once it or its process ends.

    It keeps the malformed rows; what else is kept is the subclass's. `count` counts both. For one thread. Methods
    raise `storage_unavailable` when the folder is full.
    """

    def __init__(self) -> None:
        # The empty name is SQLite's for a temporary database on disk, deleted even after a crash.
        self.database = sqlite3.connect("", isolation_level=None)
        for pragma in _PRAGMAS:
            self.database.execute(f"PRAGMA {pragma}")
        self.database.execute(_BAD)
        # One transaction to the end: without a journal it costs nothing, and is never rolled back.
        self.database.execute("BEGIN")
        self.count = 0

    def __enter__(self: SpoolType) -> SpoolType:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.database.close()

    def add_bad(self, row: ImportReject) -> None:
        """Keep a malformed row."""
        values, rows = json.dumps(dict(row.values)), json.dumps([dict(values) for values in row.rows])
        bad = (row.line, row.column, row.code, row.detail, values, rows)
        self.database.execute("INSERT INTO bad VALUES (?, ?, ?, ?, ?, ?)", bad)

    def bad_rows(self) -> Iterator[ImportReject]:
        """Return the malformed rows by line."""
        with file_errors():
            for line, column, code, detail, *shown in self.database.execute("SELECT * FROM bad ORDER BY line"):
                values, rows = map(json.loads, shown)
                yield ImportReject(line=line, column=column, code=code, detail=detail, values=values, rows=rows)

    def refuse_bad(self, *, of: str, skip: bool, rejects: Callable[[ImportReject], None]) -> int:
        """Tell every malformed row to `rejects`; return their number. Raise `validation_error` for any, unless `skip`.

        The error points at /line/column of the first 100. Its data has the number of all rows (under the name `of`) and
        of the malformed ones.
        """
        malformed = 0
        errors: list[FieldError] = []
        for row in self.bad_rows():
            malformed += 1
            rejects(row)
            if malformed <= IMPORT_ERRORS_MAX:
                pointer = f"/{row.line}/{row.column or ''}".rstrip("/")
                errors.append(FieldError(pointer=pointer, code=row.code, detail=row.detail))
        if malformed and not skip:
            first = errors[0]
            raise OmsError(
                "validation_error",
                f"{malformed} of {self.count} {of} are malformed, the first in line {first.pointer.split('/')[1]}: "
                f"{first.detail}; nothing was changed",
                errors=errors,
                data={of: self.count, "malformed": malformed},
            )
        return malformed


@contextmanager
def file_errors() -> Iterator[None]:
    """Raise `storage_unavailable` for an error of SQLite with the temporary file."""
    try:
        yield
    except sqlite3.Error as error:
        detail = f"the temporary file of the import cannot be kept (TMPDIR chooses its folder): {error}"
        raise OmsError("storage_unavailable", detail) from error
