"""Returns as JSON documents: `read_keyed_return` for what comes in, `show_return` for what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from oms_core.documents.acts import read_lines, read_order_id, read_part, require_key
from oms_core.documents.orders import check_fields, show_time
from oms_core.domain.orders.returns import Disposition, Return, ReturnLine
from oms_core.domain.return_commands import CreateReturn
from oms_core.domain.validation import Findings
from oms_core.errors import OmsError

_TEXTS = ("reference", "reason", "idempotency_key")
_FIELDS = frozenset({"order_id", "lines", *_TEXTS})
_LINE_FIELDS = frozenset({"line_no", "sku", "quantity", "disposition", "location"})


def read_keyed_return(document: Mapping[str, object], *, why_key: str) -> CreateReturn:
    """Read a return of a file, which must carry an `idempotency_key`; `why_key` tells who sends one without it.

    `{order_id, idempotency_key, reference?, reason?, lines?: [{line_no or sku, quantity, disposition?, location?}]}`;
    raises `validation_error`.
    """
    findings = Findings()
    check_fields(findings, "", document, allowed=_FIELDS, required=("order_id",))
    require_key(findings, document, why_key)
    order_id = read_order_id(findings, document)
    lines = read_lines(findings, document, _read_line)
    texts = {name: document[name] for name in _TEXTS if document.get(name) is not None}
    try:
        command = CreateReturn(order_id=order_id, lines=lines, **cast("dict[str, Any]", texts))
    except OmsError as error:
        findings.merge(error.errors)
        findings.raise_if_any()
        raise
    findings.raise_if_any()
    return command


def _read_line(findings: Findings, pointer: str, line: Mapping[str, object]) -> ReturnLine:
    check_fields(findings, pointer, line, allowed=_LINE_FIELDS, required=("quantity",))
    disposition = line.get("disposition")
    return ReturnLine(
        **read_part(line),
        disposition=Disposition.RESTOCK if disposition is None else _disposition(disposition),
        location=cast("str | None", line.get("location")),
    )


def _disposition(value: object) -> Disposition:
    """Return a disposition by its name; any other value is left for CreateReturn to refuse."""
    return next((each for each in Disposition if each.value == value), cast("Disposition", value))


def show_return(made: Return) -> dict[str, object]:
    """Show a return as the service's JSON."""
    return {
        "id": str(made.id),
        "order_id": str(made.order_id),
        "return_no": made.return_no,
        "lines": [
            {
                "line_no": line.line_no,
                "sku": line.sku,
                "quantity": line.quantity,
                "disposition": line.disposition.value,
                "shipped_from": line.shipped_from,
                "location": line.location,
            }
            for line in made.lines
        ],
        "reference": made.reference,
        "reason": made.reason,
        "created_at": show_time(made.created_at),
    }
