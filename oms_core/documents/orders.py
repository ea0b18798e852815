"""Orders as JSON documents: `read_order` for what comes in, `show_order` and `show_event` for what goes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from oms_core.domain.commands import OrderLine, PlaceOrder
from oms_core.domain.currencies import decimals_of
from oms_core.domain.events import Event
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.money import format_money, parse_money
from oms_core.domain.orders.details import DETAIL_NAMES, later_details
from oms_core.domain.orders.order import LineAllocation, Order
from oms_core.domain.validation import FINDINGS_MAX, Findings, one_finding
from oms_core.errors import OmsError

_ORDER_FIELDS = frozenset({*DETAIL_NAMES, "currency", "hold_seconds", "lines"})
_KEYED_ORDER_FIELDS = _ORDER_FIELDS | {"idempotency_key"}
_LINE_FIELDS = frozenset({"sku", "quantity", "unit_price"})
_LINE_REQUIRED = frozenset({"sku", "quantity"})


def read_order(document: object, *, idempotency_key: str | None = None) -> PlaceOrder:
    """Read an order whose idempotency key came beside it (an HTTP header).

    `{customer_id, currency?, reference?, metadata?, hold_seconds?, locations?, lines: [{sku, quantity, unit_price?}]}`;
    raises `validation_error`.
    """
    return _read(document, _ORDER_FIELDS, idempotency_key)


def read_keyed_order(document: object, *, findings_max: int = FINDINGS_MAX) -> PlaceOrder:
    """Read an order that may carry an `idempotency_key` of its own: one of a batch, a file or a message.

    Reading stops at `findings_max` findings. Raise `validation_error`.
    """
    return _read(document, _KEYED_ORDER_FIELDS, _own_key(document), findings_max)


def read_repeatable_order(document: object, *, why: str) -> PlaceOrder:
    """Read an order that must carry an `idempotency_key` of its own; `why` tells the sender of one without it."""
    findings = Findings()
    if isinstance(document, Mapping) and document.get("idempotency_key") is None:
        findings.add("/idempotency_key", "required", why)
    try:
        command = read_keyed_order(document)
    except OmsError as error:
        findings.merge(error.errors)
        findings.raise_if_any()
        raise
    findings.raise_if_any()
    return command


def show_order(order: Order, allocations: Iterable[LineAllocation] | None = None) -> dict[str, object]:
    """Show an order as the service's JSON; with `allocations` where its lines are served from."""
    decimals = decimals_of(order.currency)
    created_at = show_time(order.created_at)
    served_by_none: dict[str, object] = {} if allocations is None else {"allocations": []}
    served = _served(allocations or ())
    return {
        "id": str(order.id),
        "status": order.status.value,
        "customer_id": order.customer_id,
        "reference": order.reference,
        "currency": order.currency,
        "lines": [
            {
                "line_no": line.line_no,
                "sku": line.sku,
                "quantity": line.quantity,
                "unit_price": _show_amount(line.unit_price, decimals),
                **served.get(line.line_no, served_by_none),
            }
            for line in order.lines
        ],
        "total": _show_amount(order.total, decimals),
        "metadata": dict(order.metadata),
        **later_details(order),
        "hold_seconds": order.hold_seconds,
        "hold_until": None if order.hold_until is None else show_time(order.hold_until),
        "hold_extensions": order.hold_extensions,
        "payment_reference": order.payment_reference,
        "failure": None if order.failure is None else order.failure.document,
        "attempts": order.attempts,
        "version": order.version,
        "created_at": created_at,
        "updated_at": created_at if order.updated_at is order.created_at else show_time(order.updated_at),
    }


def _served(allocations: Iterable[LineAllocation]) -> dict[int, dict[str, object]]:
    """Show by line_no where lines are served from."""
    by_line: dict[int, list[dict[str, object]]] = {}
    for each in allocations:
        shown = {"location": each.location, "reserved": each.reserved}
        by_line.setdefault(each.line_no, []).append({**shown, "shipped": each.shipped, "returned": each.returned})
    return {line_no: {"allocations": shown} for line_no, shown in by_line.items()}


def show_event(entry: Event) -> dict[str, object]:
    """Show an event as the service's JSON."""
    return {
        "id": entry.id,
        "type": entry.event.type.value,
        "order_id": None if entry.event.order_id is None else str(entry.event.order_id),
        "sku": entry.event.sku,
        "order_version": entry.event.order_version,
        "data": dict(entry.event.data),
        "actor": entry.actor,
        "request_id": entry.request_id,
        "created_at": show_time(entry.created_at),
    }


def show_time(time: datetime) -> str:
    """Show a time as RFC 3339 in UTC with microseconds: 2026-11-22T21:00:00.000000Z."""
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    parts = (time.year, time.month, time.day, time.hour, time.minute, time.second, time.microsecond)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ" % parts  # noqa: UP031  isoformat takes half as long again.


def show_refusal(error: OmsError) -> dict[str, object]:
    """Show an error as part of a batch outcome or a report: its code, detail, retry, figures and errors."""
    shown: dict[str, object] = {
        "code": error.code,
        "detail": error.detail,
        "retry": error.retry.value,
        **error.data,
    }
    if error.errors:
        shown["errors"] = [
            {"pointer": found.pointer, "code": found.code, "detail": found.detail} for found in error.errors
        ]
    return shown


@dataclass(frozen=True, slots=True)
class _LineReader:
    """Reads the lines of one order, and adds what is wrong with them to `findings`."""

    findings: Findings

    def read(self, index: int, line: object) -> OrderLine:
        if not isinstance(line, Mapping):
            self.findings.add(f"/lines/{index}", "wrong_type", "must be an object")
            return OrderLine(sku="", quantity=0)
        if not _LINE_REQUIRED <= line.keys() <= _LINE_FIELDS:
            check_fields(self.findings, f"/lines/{index}", line, allowed=_LINE_FIELDS, required=("sku", "quantity"))
        price = line.get("unit_price")
        return OrderLine(
            sku=line.get("sku"),  # type: ignore[arg-type]  # PlaceOrder checks the types.
            quantity=whole(line.get("quantity")),  # type: ignore[arg-type]
            unit_price=None if price is None else self._amount(index, price),
        )

    def _amount(self, index: int, value: object) -> Decimal | None:
        if not isinstance(value, str):
            detail = "must be a decimal string such as '12.50', not a number"
            self.findings.add(f"/lines/{index}/unit_price", "wrong_type", detail)
            return None
        try:
            return parse_money(value)
        except ValueError as error:
            self.findings.add(f"/lines/{index}/unit_price", "bad_amount", str(error))
            return None


def check_fields(
    findings: Findings,
    pointer: str,
    document: Mapping[str, object],
    *,
    allowed: frozenset[str],
    required: tuple[str, ...],
) -> None:
    """Add the unknown and the missing members of an object to the findings."""
    if not document.keys() <= allowed:
        _add_unknown_fields(findings, pointer, document, allowed)
    for name in required:
        if name not in document:
            findings.add(f"{pointer}/{name}", "required", "is required")


def _add_unknown_fields(
    findings: Findings, pointer: str, document: Mapping[str, object], allowed: frozenset[str]
) -> None:
    for name in (name for name in document if name not in allowed):
        shown = ascii(name)[1:-1].replace("~", "~0").replace("/", "~1")[:64]
        findings.add(f"{pointer}/{shown}", "unknown_field", "is not a field of this document")


def whole(value: object) -> object:
    """Return 5 for 5.0: JSON has one kind of number, and JSON Schema's integer admits both."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _own_key(document: object) -> str | None:
    return cast("str | None", document.get("idempotency_key")) if isinstance(document, Mapping) else None


def _read(
    document: object, allowed: frozenset[str], idempotency_key: str | None, findings_max: int = FINDINGS_MAX
) -> PlaceOrder:
    """Read an order. Report all that is wrong with its fields and their values together."""
    if not isinstance(document, Mapping):
        raise one_finding("", "wrong_type", "must be a JSON object")
    findings = Findings(findings_max)
    check_fields(findings, "", document, allowed=allowed, required=("customer_id", "lines"))
    lines = document.get("lines")
    if isinstance(lines, list) and len(lines) <= ORDER_LINES_MAX:  # PlaceOrder refuses a longer list whole.
        reader = _LineReader(findings)
        lines = [reader.read(index, line) for index, line in enumerate(lines)]
    details = {name: document[name] for name in DETAIL_NAMES if document.get(name) is not None}
    try:
        command = PlaceOrder(
            lines=cast("list[OrderLine]", lines),
            currency=cast("str | None", document.get("currency")),
            hold_seconds=cast("int | None", whole(document.get("hold_seconds"))),
            idempotency_key=idempotency_key,
            **cast("dict[str, Any]", {"customer_id": None, **details}),
        )
    except OmsError as error:
        findings.merge(error.errors)
        findings.raise_if_any()
        raise
    findings.raise_if_any()
    return command


def _show_amount(amount: Decimal | None, decimals: int) -> str | None:
    return None if amount is None else format_money(amount, decimals=decimals)
