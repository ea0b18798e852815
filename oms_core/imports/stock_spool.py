"""The spool of a stock import: rows as they come, then sorted and summed, without those that contradict each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter

from oms_core.domain.import_commands import ImportMode, ImportReject
from oms_core.domain.limits import REASON_LENGTH_MAX, REFERENCE_LENGTH_MAX
from oms_core.domain.stock.import_decisions import Refusal, StockEntry
from oms_core.imports.records import Lines, check_row_count
from oms_core.imports.spool import Spool, file_errors
from oms_core.imports.stock_rows import StockRow

# One statement for many rows costs 0.6 microseconds a row, executemany 2.
_ROWS_PER_INSERT = 100
_INSERT = "INSERT INTO arrived VALUES (?, ?, ?, ?, ?, ?, ?)"
_INSERT_MANY = _INSERT + ", (?, ?, ?, ?, ?, ?, ?)" * (_ROWS_PER_INSERT - 1)

_COLUMNS = "sku TEXT, location TEXT, line INTEGER, quantity INTEGER, name TEXT, reason TEXT, reference TEXT"
_SORT = (
    f"CREATE TABLE sorted ({_COLUMNS}, PRIMARY KEY (sku, location, line)) WITHOUT ROWID",
    "INSERT INTO sorted SELECT * FROM arrived ORDER BY sku, location, line",
    "DROP TABLE arrived",
    """CREATE VIEW shown AS SELECT sku, location, line, name, json_object('sku', sku, 'quantity',
      CAST(quantity AS TEXT), 'location', location, 'name', name, 'reason', reason, 'reference', reference) AS "values"
      FROM sorted""",
)
_IS_REPEATED = "SELECT 1 FROM sorted GROUP BY sku, location HAVING count(*) > 1 LIMIT 1"
_FIND_REPEATED = """
    CREATE TABLE contradicted AS
      SELECT sku, location, min(line) AS first, max(line) AS last FROM sorted GROUP BY sku, location HAVING count(*) > 1
"""
_REJECT_REPEATED = (
    """INSERT INTO bad (line, "column", code, detail, "values") SELECT s.line, 'sku', 'duplicate_row',
      'line ' || CASE s.line WHEN c.first THEN c.last ELSE c.first END || ' counts the same sku and location', "values"
      FROM contradicted c JOIN shown s ON s.sku = c.sku AND s.location = c.location""",
    "DELETE FROM sorted WHERE (sku, location) IN (SELECT sku, location FROM contradicted)",
)
# With a single min() or max(), the other columns come from the row that has it (sqlite.org/lang_select.html#bareagg).
_IS_NAMED = "SELECT 1 FROM sorted WHERE name <> '' LIMIT 1"
_FIND_RENAMED = """
    CREATE TABLE contradicted AS
      SELECT a.sku, a.name, a.line, z.line AS other_line
      FROM (SELECT sku, min(name) AS name, line FROM sorted WHERE name <> '' GROUP BY sku) a
      JOIN (SELECT sku, max(name) AS name, line FROM sorted WHERE name <> '' GROUP BY sku) z
        ON z.sku = a.sku AND z.name <> a.name
"""
_REJECT_RENAMED = (
    """INSERT INTO bad (line, "column", code, detail, "values") SELECT s.line, 'name', 'conflicting_name',
      'line ' || CASE s.name WHEN c.name THEN c.other_line ELSE c.line END || ' gives the sku another name', "values"
      FROM contradicted c JOIN shown s ON s.sku = c.sku AND s.name <> ''""",
    "DELETE FROM sorted WHERE name <> '' AND sku IN (SELECT sku FROM contradicted)",
)
_ENTRIES = """
    SELECT sku, location, quantity, nullif(name, ''), nullif(reason, ''), nullif(reference, ''), 1
    FROM sorted WHERE (sku, location) > (?, ?) ORDER BY sku, location, line
"""
_ROWS_OF_LEVEL = 'SELECT line, "values" FROM shown WHERE sku = ? AND location = ? ORDER BY line'


class StockSpool(Spool):
    """Keeps the rows of one import: `fill`, then `sort`, then read."""

    def __init__(self) -> None:
        super().__init__()
        self.database.execute(f"CREATE TABLE arrived ({_COLUMNS})")

    def fill(
        self, lines: Lines, arriving: Iterator[Sequence[StockRow | ImportReject]], told: Callable[[int], None]
    ) -> None:
        """Keep every row, and tell `told` how many there are so far.

        Raise `payload_too_large` beyond 5,000,000; the empty rows that `lines` has passed over count too.
        """
        for rows in arriving:
            self.count += len(rows)
            check_row_count(self.count + lines.blank)
            with file_errors():
                self._add(rows)
            told(self.count)
        check_row_count(self.count + lines.blank)

    def sort(self, mode: ImportMode) -> None:
        """Sort the rows. Rows that contradict each other become malformed; each names the line of another.

        Two counts of one level contradict each other (differences are summed), and so do two names of one SKU.
        """
        with file_errors():
            for statement in _SORT:
                self.database.execute(statement)
            if mode is ImportMode.SET and self.database.execute(_IS_REPEATED).fetchone():
                self._reject_contradicted(_FIND_REPEATED, _REJECT_REPEATED)
            if self.database.execute(_IS_NAMED).fetchone():
                self._reject_contradicted(_FIND_RENAMED, _REJECT_RENAMED)

    def entries(self, mode: ImportMode, *, after: tuple[str, str] | None) -> Iterator[StockEntry]:
        """Return the entry of each level after `after`, in order of (sku, location) by code points."""
        with file_errors():
            rows = self.database.execute(_ENTRIES, after or ("", ""))
            entries = map(StockEntry._make, rows)
            if mode is ImportMode.SET:
                yield from entries
            else:
                yield from (_sum(same_level) for _, same_level in groupby(entries, key=itemgetter(0, 1)))

    def rows_of(self, refusal: Refusal) -> Iterator[ImportReject]:
        """Return the rows of a level that was refused, by line."""
        with file_errors():
            rows = self.database.execute(_ROWS_OF_LEVEL, (refusal.sku, refusal.location))
            for line, values in rows:
                yield ImportReject(
                    line=line,
                    column=None,
                    code=refusal.code.value,
                    detail=refusal.detail,
                    values=json.loads(values),
                )

    def _add(self, rows: Sequence[StockRow | ImportReject]) -> None:
        good = [row for row in rows if isinstance(row, tuple)]
        whole = len(good) - len(good) % _ROWS_PER_INSERT
        for start in range(0, whole, _ROWS_PER_INSERT):
            values = chain.from_iterable(good[start : start + _ROWS_PER_INSERT])
            self.database.execute(_INSERT_MANY, tuple(values))
        self.database.executemany(_INSERT, good[whole:])
        if len(good) < len(rows):
            for row in rows:
                if isinstance(row, ImportReject):
                    self.add_bad(row)

    def _reject_contradicted(self, find: str, reject: tuple[str, ...]) -> None:
        for statement in (find, *reject, "DROP TABLE contradicted"):
            self.database.execute(statement)


def _sum(entries: Iterator[StockEntry]) -> StockEntry:
    """Sum the differences of one level. Different reasons and references are joined."""
    first = next(entries)
    quantity, rows, name = first.quantity, 1, first.name
    reasons, references = _Joined(first.reason, REASON_LENGTH_MAX), _Joined(first.reference, REFERENCE_LENGTH_MAX)
    for entry in entries:
        quantity, rows, name = quantity + entry.quantity, rows + 1, name or entry.name
        reasons.add(entry.reason)
        references.add(entry.reference)
    return first._replace(quantity=quantity, name=name, reason=reasons.text, reference=references.text, rows=rows)


class _Joined:
    """Different texts, joined as long as they fit."""

    def __init__(self, text: str | None, longest: int) -> None:
        self._longest = longest
        self._seen = {text}
        self.text = text

    def add(self, text: str | None) -> None:
        if text is None or text in self._seen:
            return
        joined = text if self.text is None else f"{self.text}; {text}"
        if len(joined) <= self._longest:
            self._seen.add(text)
            self.text = joined
