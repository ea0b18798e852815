"""The spool of an import of acts on orders: each good one's document, in order of the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from oms_core.domain.import_commands import ImportReject
from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.imports.act_rows import ActDraft
from oms_core.imports.records import Lines, check_row_count
from oms_core.imports.rejects import Noun, repeated_reject
from oms_core.imports.spool import Spool, file_errors

_FIND_REPEATED = """
    CREATE TABLE repeated AS SELECT a.line, first.line AS first FROM acts AS a
      JOIN (SELECT key, min(line) AS line FROM acts GROUP BY key HAVING count(*) > 1) AS first
      ON first.key = a.key AND first.line < a.line
"""
_REPEATED = "SELECT r.line, r.first, a.document FROM repeated r JOIN acts a ON a.line = r.line"
_FORGET_REPEATED = ("DELETE FROM acts WHERE line IN (SELECT line FROM repeated)", "DROP TABLE repeated")


@dataclass(frozen=True, slots=True)
class SpooledAct:
    """A good act: the line of the file where it begins, and its document."""

    line: int
    document: Mapping[str, object]


class ActSpool(Spool):
    """Keeps the acts of one import: `fill`, then read. `noun` is what one of them is."""

    def __init__(self, noun: Noun) -> None:
        super().__init__()
        self._noun = noun
        self.database.execute("CREATE TABLE acts (line INTEGER PRIMARY KEY, key TEXT, document TEXT)")

    def fill(self, lines: Lines, acts: Iterator[ActDraft | ImportReject], told: Callable[[int], None]) -> None:
        """Keep every act, and tell `told` how many there are so far. One with the key of an earlier one is bad.

        Raise `payload_too_large` beyond 5,000,000; the empty rows that `lines` has passed over count too.
        """
        for act in acts:
            self.count += 1
            check_row_count(self.count + lines.blank)
            with file_errors():
                self._add(act)
            told(self.count)
        check_row_count(self.count + lines.blank)
        with file_errors():
            self._reject_repeated()

    def batches(self) -> Iterator[list[SpooledAct]]:
        """Return the acts in order of the file, as many at a time as one transaction does."""
        with file_errors():
            rows = self.database.execute("SELECT line, document FROM acts ORDER BY line")
            while found := rows.fetchmany(TRANSACTION_ORDERS_MAX):
                yield [SpooledAct(line, json.loads(document)) for line, document in found]

    def _add(self, act: ActDraft | ImportReject) -> None:
        if isinstance(act, ImportReject):
            self.add_bad(act)
            return
        row = (act.line, act.key, json.dumps(act.document))
        self.database.execute("INSERT INTO acts VALUES (?, ?, ?)", row)

    def _reject_repeated(self) -> None:
        self.database.execute(_FIND_REPEATED)
        for line, first, document in self.database.execute(_REPEATED):
            self.add_bad(repeated_reject(self._noun, line, json.loads(document), other=first, column=None))
        for statement in _FORGET_REPEATED:
            self.database.execute(statement)
