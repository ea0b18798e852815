"""The spool of an order import: each good order's document, in order of the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from oms_core.domain.import_commands import ImportReject
from oms_core.domain.limits import TRANSACTION_LINES_MAX, TRANSACTION_ORDERS_MAX
from oms_core.imports.order_rows import OrderDraft
from oms_core.imports.records import Lines, check_row_count
from oms_core.imports.rejects import ORDER, repeated_reject
from oms_core.imports.spool import Spool, file_errors

_FIND_REPEATED = """
    CREATE TABLE contradicted AS
      SELECT key, min(line) AS first, max(line) AS last FROM orders GROUP BY key HAVING count(*) > 1
"""
_REPEATED = """SELECT o.line, CASE o.line WHEN c.first THEN c.last ELSE c.first END, o.document
  FROM contradicted c JOIN orders o ON o.key = c.key"""
_FORGET_REPEATED = ("DELETE FROM orders WHERE key IN (SELECT key FROM contradicted)", "DROP TABLE contradicted")


@dataclass(frozen=True, slots=True)
class SpooledOrder:
    """A good order: the line of the file where it begins, and its document."""

    line: int
    document: Mapping[str, object]


class OrderSpool(Spool):
    """Keeps the orders of one import: `fill`, then read."""

    def __init__(self) -> None:
        super().__init__()
        self.database.execute("CREATE TABLE orders (line INTEGER PRIMARY KEY, key TEXT, lines INTEGER, document TEXT)")

    def fill(self, lines: Lines, orders: Iterator[OrderDraft | ImportReject], told: Callable[[int], None]) -> None:
        """Keep every order, and tell `told` how many there are so far. Orders with the same key become malformed.

        Raise `payload_too_large` beyond 5,000,000; the empty rows that `lines` has passed over count too.
        """
        for order in orders:
            self.count += 1
            check_row_count(self.count + lines.blank)
            with file_errors():
                self._add(order)
            told(self.count)
        check_row_count(self.count + lines.blank)
        with file_errors():
            self._reject_repeated()

    def batches(self) -> Iterator[list[SpooledOrder]]:
        """Return the orders in order of the file, as many as fit into one transaction."""
        batch: list[SpooledOrder] = []
        lines_in_batch = 0
        with file_errors():
            for line, lines, document in self.database.execute(
                "SELECT line, lines, document FROM orders ORDER BY line"
            ):
                if len(batch) == TRANSACTION_ORDERS_MAX or lines_in_batch + lines > TRANSACTION_LINES_MAX:
                    yield batch
                    batch, lines_in_batch = [], 0
                batch.append(SpooledOrder(line, json.loads(document)))
                lines_in_batch += lines
            if batch:
                yield batch

    def _reject_repeated(self) -> None:
        self.database.execute(_FIND_REPEATED)
        for line, other, document in self.database.execute(_REPEATED):
            self.add_bad(repeated_reject(ORDER, line, json.loads(document), other=other, column="idempotency_key"))
        for statement in _FORGET_REPEATED:
            self.database.execute(statement)

    def _add(self, order: OrderDraft | ImportReject) -> None:
        if isinstance(order, ImportReject):
            self.add_bad(order)
            return
        row = (order.line, order.key, order.line_count, json.dumps(order.document))
        self.database.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", row)
