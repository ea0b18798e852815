"""The spool of an import of shipments: each good one's document, in order of the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from oms_core.domain.import_commands import ImportReject
from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.imports.records import Lines, check_row_count
from oms_core.imports.rejects import SHIPMENT, repeated_reject
from oms_core.imports.shipment_rows import ShipmentDraft
from oms_core.imports.spool import Spool, file_errors

_FIND_REPEATED = """
    CREATE TABLE repeated AS SELECT s.line, first.line AS first FROM shipments AS s
      JOIN (SELECT key, min(line) AS line FROM shipments GROUP BY key HAVING count(*) > 1) AS first
      ON first.key = s.key AND first.line < s.line
"""
_REPEATED = "SELECT r.line, r.first, s.document FROM repeated r JOIN shipments s ON s.line = r.line"
_FORGET_REPEATED = ("DELETE FROM shipments WHERE line IN (SELECT line FROM repeated)", "DROP TABLE repeated")


@dataclass(frozen=True, slots=True)
class SpooledShipment:
    """A good shipment: the line of the file where it begins, and its document."""

    line: int
    document: Mapping[str, object]


class ShipmentSpool(Spool):
    """Keeps the shipments of one import: `fill`, then read."""

    def __init__(self) -> None:
        super().__init__()
        self.database.execute("CREATE TABLE shipments (line INTEGER PRIMARY KEY, key TEXT, document TEXT)")

    def fill(
        self, lines: Lines, shipments: Iterator[ShipmentDraft | ImportReject], told: Callable[[int], None]
    ) -> None:
        """Keep every shipment, and tell `told` how many there are so far. One with the key of an earlier one is bad.

        Raise `payload_too_large` beyond 5,000,000; the empty rows that `lines` has passed over count too.
        """
        for shipment in shipments:
            self.count += 1
            check_row_count(self.count + lines.blank)
            with file_errors():
                self._add(shipment)
            told(self.count)
        check_row_count(self.count + lines.blank)
        with file_errors():
            self._reject_repeated()

    def batches(self) -> Iterator[list[SpooledShipment]]:
        """Return the shipments in order of the file, as many at a time as one transaction ships."""
        with file_errors():
            rows = self.database.execute("SELECT line, document FROM shipments ORDER BY line")
            while found := rows.fetchmany(TRANSACTION_ORDERS_MAX):
                yield [SpooledShipment(line, json.loads(document)) for line, document in found]

    def _add(self, shipment: ShipmentDraft | ImportReject) -> None:
        if isinstance(shipment, ImportReject):
            self.add_bad(shipment)
            return
        row = (shipment.line, shipment.key, json.dumps(shipment.document))
        self.database.execute("INSERT INTO shipments VALUES (?, ?, ?)", row)

    def _reject_repeated(self) -> None:
        self.database.execute(_FIND_REPEATED)
        for line, first, document in self.database.execute(_REPEATED):
            self.add_bad(repeated_reject(SHIPMENT, line, json.loads(document), other=first, column=None))
        for statement in _FORGET_REPEATED:
            self.database.execute(statement)
