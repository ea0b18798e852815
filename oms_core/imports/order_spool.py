"""The spool of an order import: each good order's document, in order of the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from oms_core.documents.lines import Lines, check_row_count
from oms_core.documents.order_rows import OrderDraft
from oms_core.domain.imports import ImportReject
from oms_core.domain.limits import TRANSACTION_LINES_MAX, TRANSACTION_ORDERS_MAX
from oms_core.imports.spool import Spool, file_errors

_FIND_REPEATED = """
    CREATE TABLE contradicted AS
      SELECT key, min(line) AS first, max(line) AS last FROM orders GROUP BY key HAVING count(*) > 1
"""
_REJECT_REPEATED = (
    """INSERT INTO bad SELECT o.line, 'idempotency_key', 'duplicate_order', 'line ' ||
      CASE o.line WHEN c.first THEN c.last ELSE c.first END || ' begins an order with the same key; rows of one order '
      || 'must follow each other', json_object('idempotency_key', o.key)
      FROM contradicted c JOIN orders o ON o.key = c.key""",
    "DELETE FROM orders WHERE key IN (SELECT key FROM contradicted)",
    "DROP TABLE contradicted",
)


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
        """Keep every order; `told` is told how many there are. Two with the same key become malformed.

        Raises `payload_too_large` beyond 5,000,000, among them the empty rows that were passed over in `lines`.
        """
        for order in orders:
            self.count += 1
            check_row_count(self.count + lines.blank)
            with file_errors():
                self._add(order)
            told(self.count)
        check_row_count(self.count + lines.blank)
        with file_errors():
            for statement in (_FIND_REPEATED, *_REJECT_REPEATED):
                self.database.execute(statement)

    def batches(self) -> Iterator[list[SpooledOrder]]:
        """Give the orders in order of the file, as many as fit into one transaction."""
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

    def _add(self, order: OrderDraft | ImportReject) -> None:
        if isinstance(order, ImportReject):
            self.add_bad(order)
            return
        row = (order.line, order.key, order.line_count, json.dumps(order.document))
        self.database.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", row)
