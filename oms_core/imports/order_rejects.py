"""Orders of a file that are not placed: shown with all their rows, which can be mended and imported again."""

from __future__ import annotations

from collections.abc import Mapping

from oms_core.documents.orders import whole
from oms_core.domain.import_commands import ORDER_COLUMNS, ImportReject
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.errors import OmsError
from oms_core.imports.row_reports import shown

LINE_COLUMNS = ("sku", "quantity", "unit_price")
COLUMNS_OF_ORDER = tuple(name for name in ORDER_COLUMNS if name not in LINE_COLUMNS)
ROWS_KEPT_MAX = ORDER_LINES_MAX + 1
REPEATED = "duplicate_order"


def order_values(document: Mapping[str, object]) -> dict[str, str]:
    """Return what an order's document says of the order itself, as cells of a CSV file."""
    return {name: shown(document[name]) for name in COLUMNS_OF_ORDER if name in document}


def document_rows(document: Mapping[str, object]) -> list[dict[str, str]]:
    """Return an order's document as rows of a CSV file, one for each line as far as it may have lines."""
    order = order_values(document)
    lines = document.get("lines")
    if not isinstance(lines, list) or not lines:
        return [order]
    return [{**order, **_line_values(line)} for line in lines[:ROWS_KEPT_MAX]]


def refused_order(line: int, document: Mapping[str, object], error: OmsError) -> ImportReject:
    """Report a good order that the present state refuses."""
    return ImportReject(
        line=line,
        column=None,
        code=error.code,
        detail=error.detail,
        values=order_values(document),
        rows=document_rows(document),
    )


def repeated_reject(line: int, document: Mapping[str, object], *, other: int) -> ImportReject:
    """Report an order whose key another order of the file has, which begins in line `other`."""
    return ImportReject(
        line=line,
        column="idempotency_key",
        code=REPEATED,
        detail=f"line {other} begins an order with the same key; rows of one order must follow each other",
        values=order_values(document),
        rows=document_rows(document),
    )


def _line_values(line: object) -> dict[str, str]:
    if not isinstance(line, Mapping):
        return {}
    return {name: shown(whole(line[name])) for name in LINE_COLUMNS if name in line}
