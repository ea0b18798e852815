"""Errors in the OpenAPI document: a schema per code, and what an operation answers with each HTTP status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from oms_core.domain.callers import Scope
from oms_core.domain.rate_limits import POLICIES
from oms_core.errors import ERROR_CODES, ErrorCode
from oms_http.openapi.headers import NO_STORE, Header
from oms_http.problems import ERRORS_SHOWN_MAX, PROBLEM_TYPE, RETRY_LATER, STATUS_BY_CODE

_COMPONENTS = "#/components/schemas/"
_RETRY_AFTER = Header(name="Retry-After", description="Seconds to wait.", schema={"type": "integer", "minimum": 1})
_CHALLENGE = Header(
    name="WWW-Authenticate",
    description="How to authenticate (RFC 6750); with an error when the key that was sent is not good.",
    schema={"type": "string", "pattern": '^Bearer realm="oms"(, error="invalid_token")?$'},
)
_SCOPE_WANTED = Header(
    name="WWW-Authenticate",
    description="The scope that the key lacks (RFC 6750), where a scope is what is missing.",
    schema={"type": "string", "pattern": '^Bearer realm="oms", error="insufficient_scope", scope="[a-z:]+"$'},
    required=False,
)
_METHODS = Header(name="Allow", description="The methods of this path.", schema={"type": "string"})

_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "integer", "minimum": 1}
_NUMBER_IF_NAMED = {"type": ["integer", "null"], "description": "Null where the SKU was named."}
_TEXT = {"type": "string"}
_ORDER_ID = {"$ref": f"{_COMPONENTS}OrderId"}
_STATUS = {"$ref": f"{_COMPONENTS}OrderStatus"}
_WRONG_VALUES = {
    "errors": {
        "type": "array",
        "items": {"$ref": f"{_COMPONENTS}FieldError"},
        "minItems": 1,
        "maxItems": ERRORS_SHOWN_MAX,
    }
}
# How far an import had come; the same import goes on from there.
_COMMITTED = dict.fromkeys(("applied", "unchanged", "placed", "replayed", "refused"), _COUNT)


def _all(**members: object) -> dict[str, Any]:
    """Return members that are all there."""
    return {"properties": members, "required": [*members]}


def _lines(if_none: str | None = None, **members: object) -> dict[str, Any]:
    """Return the schema of lines with these members: one at least, or none where `if_none` says so."""
    number = {"minItems": 1} if if_none is None else {"description": if_none}
    return {"type": "array", "items": {"type": "object", **_all(**members)}, **number}


# The members that a code's problems have beside the standard ones.
_FIGURES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "validation_error": {"properties": {**_WRONG_VALUES, "rows": _COUNT, "orders": _COUNT, "malformed": _COUNT}},
        "unknown_sku": {"properties": {**_WRONG_VALUES, "order_id": _ORDER_ID}},
        "forbidden": {"properties": {"scope": {"type": "string", "enum": [scope.value for scope in Scope]}}},
        "internal_error": {"properties": {"order_id": _ORDER_ID}},
        "overloaded": {"properties": _COMMITTED},
        "storage_unavailable": {"properties": _COMMITTED},
        "storage_unusable": {"properties": _COMMITTED},
        "schema_outdated": {"properties": _COMMITTED},
        "outcome_unknown": {
            "properties": {
                "name": {"$ref": f"{_COMPONENTS}KeyName"},
                "order_ids": {"type": "array", "items": _ORDER_ID},
                "sku": {"$ref": f"{_COMPONENTS}Sku"},
                "idempotency_key": {"$ref": f"{_COMPONENTS}IdempotencyKey"},
                **_COMMITTED,
            }
        },
        "rate_limited": _all(
            policy={"type": "string", "enum": list(POLICIES)},
            limit=_NUMBER,
            window_seconds=_NUMBER,
        ),
        "version_mismatch": {
            "properties": {
                "version": {"type": "integer", "minimum": 1, "description": "The order's."},
                "revision": {
                    "type": ["string", "null"],
                    "description": "The product's ETag; null: it is not there.",
                },
            }
        },
        "insufficient_inventory": {
            "properties": {
                "shortages": {
                    "type": "array",
                    "items": {"$ref": f"{_COMPONENTS}Shortage"},
                    "minItems": 1,
                    "description": "Also where `order_id` is there: that order stays, with its failure.",
                },
                "order_id": _ORDER_ID,
            },
        },
        "invalid_transition": _all(current=_STATUS, allowed={"type": "array", "items": _STATUS}),
        "order_archived": _all(order_id=_ORDER_ID),
        "extension_limit": _all(
            extensions=_COUNT, extensions_max=_COUNT, hold_until={"type": "string", "format": "date-time"}
        ),
        "location_required": _all(
            locations={
                "type": "array",
                "items": _TEXT,
                "description": "Those that may be meant; empty where there is no quarantine yet.",
            }
        ),
        "not_shippable": _all(lines=_lines(line_no=_NUMBER, sku=_TEXT, location=_TEXT, quantity=_NUMBER)),
        "exceeds_reserved": _all(
            location={"type": ["string", "null"]},
            lines=_lines(
                "Empty where nothing at all is reserved there.",
                **{"line_no": _NUMBER_IF_NAMED, "sku": _TEXT, "requested": _COUNT, "reserved": _COUNT},
            ),
        ),
        "exceeds_shipped": _all(
            lines=_lines(
                "Empty where nothing of the order is still out.",
                **{"line_no": _NUMBER_IF_NAMED, "sku": _TEXT},
                **{"requested": _COUNT, "shipped": _COUNT, "returned": _COUNT},
            )
        ),
        "below_shipped": _all(lines=_lines(line_no=_NUMBER, sku=_TEXT, requested=_COUNT, shipped=_NUMBER)),
        "return_limit": _all(returns_max=_COUNT),
        "shipment_returned": _all(lines=_lines(line_no=_NUMBER, shipped=_COUNT, returned=_COUNT)),
        "shipment_limit": _all(shipments_max=_COUNT),
        "stock_limit": _all(sku=_TEXT, location=_TEXT, on_hand={"type": "integer"}, on_hand_max={"type": "integer"}),
        "stock_below_reserved": _all(on_hand={"type": "integer"}, reserved={"type": "integer"}),
        "stock_count_mismatch": _all(on_hand={"type": "integer"}, expected_on_hand={"type": "integer"}),
    }
)
_EXAMPLES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "validation_error": {
            "errors": [{"pointer": "/lines/0/quantity", "code": "out_of_range", "detail": "must be at least 1"}]
        },
        "unknown_sku": {
            "errors": [{"pointer": "/lines/0/sku", "code": "unknown_sku", "detail": "no product has this SKU"}]
        },
        "insufficient_inventory": {"shortages": [{"sku": "WIDGET", "requested": 30, "available": 21}]},
        "invalid_transition": {"current": "shipped", "allowed": ["delivered", "returned"]},
        "rate_limited": {"policy": "orders.place", "limit": 100, "window_seconds": 1},
        "version_mismatch": {"version": 4},
        "order_archived": {"order_id": "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"},
        "extension_limit": {"extensions": 3, "extensions_max": 3, "hold_until": "2026-11-22T21:15:00.000000Z"},
        "location_required": {"locations": ["east", "west"]},
        "not_shippable": {"lines": [{"line_no": 1, "sku": "WIDGET", "location": "yard", "quantity": 2}]},
        "exceeds_reserved": {
            "location": "east",
            "lines": [{"line_no": 1, "sku": "WIDGET", "requested": 3, "reserved": 2}],
        },
        "exceeds_shipped": {
            "lines": [{"line_no": 1, "sku": "WIDGET", "requested": 2, "shipped": 3, "returned": 2}],
        },
        "below_shipped": {"lines": [{"line_no": 1, "sku": "WIDGET", "requested": 1, "shipped": 2}]},
        "return_limit": {"returns_max": 1000},
        "shipment_returned": {"lines": [{"line_no": 1, "shipped": 3, "returned": 1}]},
        "shipment_limit": {"shipments_max": 1000},
        "stock_limit": {"sku": "WIDGET", "location": "east", "on_hand": 10**12 + 1, "on_hand_max": 10**12},
        "stock_below_reserved": {"on_hand": 2, "reserved": 4},
        "stock_count_mismatch": {"on_hand": 10, "expected_on_hand": 12},
    }
)


def problem_schemas(codes: Iterable[str]) -> dict[str, object]:
    """Return the schemas of these codes' problems, by component name."""
    return {_component(code): _schema(ERROR_CODES[code]) for code in sorted(set(codes))}


def problem_answers(codes: Iterable[str]) -> dict[int, dict[str, Any]]:
    """Give, by HTTP status, what to document of these errors: description, schema, and headers of their own."""
    by_status: dict[int, list[str]] = {}
    for code in sorted(set(codes)):
        by_status.setdefault(STATUS_BY_CODE[code], []).append(code)
    return {status: _answer(status, found) for status, found in sorted(by_status.items())}


def _answer(status: int, codes: list[str]) -> dict[str, Any]:
    headers = [NO_STORE, _RETRY_AFTER] if status in RETRY_LATER else [NO_STORE]
    if "method_not_allowed" in codes:
        headers.append(_METHODS)
    if "unauthenticated" in codes:
        headers.append(_CHALLENGE)
    if "forbidden" in codes:
        headers.append(_SCOPE_WANTED)
    return {
        "description": " ".join(f"`{code}`: {ERROR_CODES[code].title}." for code in codes),
        "headers": headers,
        "content": {PROBLEM_TYPE: {"schema": _one_of(codes)}},
    }


def _one_of(codes: list[str]) -> dict[str, object]:
    mapping = {code: _COMPONENTS + _component(code) for code in codes}
    references = [{"$ref": reference} for reference in mapping.values()]
    if len(references) == 1:
        return {**references[0]}
    return {"oneOf": references, "discriminator": {"propertyName": "code", "mapping": mapping}}


def _schema(row: ErrorCode) -> dict[str, object]:
    """Return a schema that stands alone: generators of clients lose what builds on another."""
    figures = _FIGURES.get(row.code, {})
    standard = {
        "type": {"type": "string", "const": f"/problems/{row.code}"},
        "title": _TEXT,
        "status": {"type": "integer", "const": STATUS_BY_CODE[row.code]},
        "detail": _TEXT,
        "code": {"type": "string", "const": row.code},
        "request_id": _TEXT,
        "retry": {"type": "string", "const": row.retry.value},
    }
    return {
        "description": f"{row.title}. {row.explanation}",
        "type": "object",
        "properties": standard | dict(figures.get("properties", {})),
        "required": [*standard, *figures.get("required", [])],
        "examples": [_example(row)],
    }


def _example(row: ErrorCode) -> dict[str, object]:
    return {
        "type": f"/problems/{row.code}",
        "title": row.title,
        "status": STATUS_BY_CODE[row.code],
        "detail": row.explanation,
        "code": row.code,
        "request_id": "6f1c0d3e5b7a4c2f8e9d0a1b2c3d4e5f",
        "retry": row.retry.value,
        **_EXAMPLES.get(row.code, {}),
    }


def _component(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("_")) + "Problem"
