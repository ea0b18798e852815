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
        "rate_limited": {
            "properties": {
                "policy": {"type": "string", "enum": list(POLICIES)},
                "limit": {"type": "integer", "minimum": 1},
                "window_seconds": {"type": "integer", "minimum": 1},
            },
            "required": ["policy", "limit", "window_seconds"],
        },
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
        "invalid_transition": {
            "properties": {"current": _STATUS, "allowed": {"type": "array", "items": _STATUS}},
            "required": ["current", "allowed"],
        },
        "order_archived": {"properties": {"order_id": _ORDER_ID}, "required": ["order_id"]},
        "extension_limit": {
            "properties": {
                "extensions": _COUNT,
                "extensions_max": _COUNT,
                "hold_until": {"type": "string", "format": "date-time"},
            },
            "required": ["extensions", "extensions_max", "hold_until"],
        },
        "location_required": {
            "properties": {"locations": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
            "required": ["locations"],
        },
        "not_shippable": {
            "properties": {
                "lines": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "line_no": {"type": "integer", "minimum": 1},
                            "sku": {"type": "string"},
                            "location": {"type": "string"},
                            "quantity": {"type": "integer", "minimum": 1},
                        },
                        "required": ["line_no", "sku", "location", "quantity"],
                    },
                },
            },
            "required": ["lines"],
        },
        "exceeds_reserved": {
            "properties": {
                "location": {"type": ["string", "null"]},
                "lines": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "line_no": {"type": ["integer", "null"], "description": "Null where the SKU was named."},
                            "sku": {"type": "string"},
                            "requested": _COUNT,
                            "reserved": _COUNT,
                        },
                        "required": ["line_no", "sku", "requested", "reserved"],
                    },
                    "description": "Empty where nothing at all is reserved there.",
                },
            },
            "required": ["location", "lines"],
        },
        "shipment_returned": {
            "properties": {
                "lines": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "line_no": {"type": "integer", "minimum": 1},
                            "shipped": _COUNT,
                            "returned": _COUNT,
                        },
                        "required": ["line_no", "shipped", "returned"],
                    },
                },
            },
            "required": ["lines"],
        },
        "shipment_limit": {"properties": {"shipments_max": _COUNT}, "required": ["shipments_max"]},
        "stock_limit": {
            "properties": {
                "sku": {"type": "string"},
                "location": {"type": "string"},
                "on_hand": {"type": "integer"},
                "on_hand_max": {"type": "integer"},
            },
            "required": ["sku", "location", "on_hand", "on_hand_max"],
        },
        "stock_below_reserved": {
            "properties": {"on_hand": {"type": "integer"}, "reserved": {"type": "integer"}},
            "required": ["on_hand", "reserved"],
        },
        "stock_count_mismatch": {
            "properties": {"on_hand": {"type": "integer"}, "expected_on_hand": {"type": "integer"}},
            "required": ["on_hand", "expected_on_hand"],
        },
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
    text = {"type": "string"}
    standard = {
        "type": {"type": "string", "const": f"/problems/{row.code}"},
        "title": text,
        "status": {"type": "integer", "const": STATUS_BY_CODE[row.code]},
        "detail": text,
        "code": {"type": "string", "const": row.code},
        "request_id": text,
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
