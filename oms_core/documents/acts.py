"""What the documents of acts on orders have in common: the order's id, a key, and lines that name parts of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from oms_core.documents.orders import whole
from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.validation import Findings

Line = TypeVar("Line")


def require_key(findings: Findings, document: Mapping[str, object], why_key: str) -> None:
    """Note a missing `idempotency_key`."""
    if document.get("idempotency_key") is None:
        findings.add("/idempotency_key", "required", why_key)


def read_order_id(findings: Findings, document: Mapping[str, object]) -> UUID:
    """Read the `order_id`; note what is none."""
    value = document.get("order_id")
    try:
        return parse_uuid(value if isinstance(value, str) else "")
    except ValueError:
        if "order_id" in document:
            findings.add("/order_id", "wrong_type", "must be the id of an order, a UUID")
        return UUID(int=0)


def read_lines(
    findings: Findings, document: Mapping[str, object], read: Callable[[Findings, str, Mapping[str, object]], Line]
) -> list[Line] | None:
    """Read the `lines`. What is no list, too long a one, or no object in it is left for the command to refuse."""
    lines = document.get("lines")
    if not isinstance(lines, list) or len(lines) > ORDER_LINES_MAX:
        return cast("list[Line] | None", lines)
    return [
        read(findings, f"/lines/{index}", line) if isinstance(line, Mapping) else cast("Line", line)
        for index, line in enumerate(lines)
    ]


def read_part(line: Mapping[str, object]) -> dict[str, Any]:
    """Return which units a line names, with the fields of a Part; the command checks them."""
    return {"quantity": whole(line.get("quantity")), "line_no": whole(line.get("line_no")), "sku": line.get("sku")}
