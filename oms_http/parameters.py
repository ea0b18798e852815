"""The query parameters of the lists."""

from __future__ import annotations

from types import MappingProxyType

from oms_core.domain import limits
from oms_core.domain.import_commands import ImportMode
from oms_core.domain.numbers import parse_digits
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.validation import Findings
from oms_http.queries import QueryParameter, ReadText
from oms_http.schemas.fields import IDENTIFIER_PATTERN
from oms_http.schemas.times import read_time

_COMPONENTS = "#/components/schemas/"
_SWITCHES = MappingProxyType({"true": True, "false": False})
_MODES = MappingProxyType({mode.value: mode for mode in ImportMode})
_STATUSES = MappingProxyType({status.value: status for status in OrderStatus})


def _read_limit(findings: Findings, pointer: str, text: str) -> int | None:
    try:
        limit = parse_digits(text)
    except ValueError as error:
        findings.add(pointer, "wrong_type", str(error))
        return None
    findings.whole_number(pointer, limit, lowest=1, highest=limits.PAGE_ITEMS_MAX)
    return limit


def _read_text(_findings: Findings, _pointer: str, text: str) -> str:
    return text  # The core checks it: the cursor of each list.


def _identifier(longest: int) -> ReadText:
    def read(findings: Findings, pointer: str, text: str) -> str:
        findings.identifier(pointer, text, longest=longest)
        return text

    return read


def _read_reason(findings: Findings, pointer: str, text: str) -> str:
    findings.prose(pointer, text, longest=limits.REASON_LENGTH_MAX)
    return text


def _read_statuses(findings: Findings, pointer: str, text: str) -> frozenset[OrderStatus]:
    names = text.lower().split(",")
    if any(name not in _STATUSES for name in names):
        findings.add(pointer, "unknown_status", f"must be one or more of {','.join(_STATUSES)}")
        return frozenset()
    return frozenset(_STATUSES[name] for name in names)


def _read_switch(findings: Findings, pointer: str, text: str) -> bool | None:
    if text not in _SWITCHES:
        findings.add(pointer, "wrong_type", "must be true or false")
    return _SWITCHES.get(text)


def _read_mode(findings: Findings, pointer: str, text: str) -> ImportMode | None:
    mode = _MODES.get(text.lower())
    if mode is None:
        findings.add(pointer, "unknown_mode", f"must be one of {', '.join(_MODES)}")
    return mode


def _time_schema(example: str) -> dict[str, object]:
    return {"type": "string", "format": "date-time", "examples": [example]}


LIMIT = QueryParameter(
    name="limit",
    description="How many items to give at most.",
    schema={"type": "integer", "minimum": 1, "maximum": limits.PAGE_ITEMS_MAX, "default": limits.PAGE_ITEMS_DEFAULT},
    read=_read_limit,
)
CURSOR = QueryParameter(
    name="cursor",
    description="`next` of the page before; with it the list continues there.",
    schema={"type": "string", "minLength": 1, "maxLength": 512},
    read=_read_text,
)
PAGE_PARAMETERS = (LIMIT, CURSOR)
ORDER_LIST_PARAMETERS = (
    QueryParameter(
        name="status",
        description="Orders with one of these statuses, comma-separated or given more than once; read in any case.",
        schema={"type": "array", "minItems": 1, "items": {"$ref": _COMPONENTS + "OrderStatus"}},
        read=_read_statuses,
        may_repeat=True,
    ),
    QueryParameter(
        name="customer_id",
        description="Orders of this customer.",
        schema={"$ref": _COMPONENTS + "CustomerId"},
        read=_identifier(limits.CUSTOMER_ID_LENGTH_MAX),
    ),
    QueryParameter(
        name="sku",
        description="Orders with a line of this product.",
        schema={"type": "string", "minLength": 1, "maxLength": limits.SKU_LENGTH_MAX, "pattern": IDENTIFIER_PATTERN},
        read=_identifier(limits.SKU_LENGTH_MAX),
    ),
    QueryParameter(
        name="reference",
        description="Orders with this reference.",
        schema={"$ref": _COMPONENTS + "Reference"},
        read=_identifier(limits.REFERENCE_LENGTH_MAX),
    ),
    QueryParameter(
        name="failure_code",
        description="Orders that were rejected or failed for this reason, or are to be tried again after it.",
        schema={
            "type": "string",
            "minLength": 1,
            "maxLength": limits.FAILURE_CODE_LENGTH_MAX,
            "pattern": IDENTIFIER_PATTERN,
        },
        read=_identifier(limits.FAILURE_CODE_LENGTH_MAX),
    ),
    QueryParameter(
        name="created_from",
        description="Orders created then or later.",
        schema=_time_schema("2026-11-22T00:00:00Z"),
        read=read_time,
    ),
    QueryParameter(
        name="created_to",
        description="Orders created before then.",
        schema=_time_schema("2026-11-23T00:00:00Z"),
        read=read_time,
    ),
    *PAGE_PARAMETERS,
)
PRODUCT_LIST_PARAMETERS = (
    QueryParameter(
        name="low_stock",
        description="Only products at or below their threshold.",
        schema={"type": "boolean", "default": False},
        read=_read_switch,
    ),
    *PAGE_PARAMETERS,
)
_SWITCH_SCHEMA = {"type": "boolean", "default": False}
IMPORT_PARAMETERS = (
    QueryParameter(
        name="mode",
        description="Whether quantities are counts (set) or differences (adjust, which needs an idempotency key).",
        schema={"type": "string", "enum": list(_MODES), "default": ImportMode.SET.value},
        read=_read_mode,
    ),
    QueryParameter(
        name="dry_run", description="Decide everything, change nothing.", schema=_SWITCH_SCHEMA, read=_read_switch
    ),
    QueryParameter(
        name="existing_only",
        description="Refuse SKUs and locations that are not there yet.",
        schema=_SWITCH_SCHEMA,
        read=_read_switch,
    ),
    QueryParameter(
        name="skip_bad",
        description="Apply the good rows although others are malformed.",
        schema=_SWITCH_SCHEMA,
        read=_read_switch,
    ),
    QueryParameter(
        name="reason",
        description="Why, for rows that have no reason of their own.",
        schema={"$ref": _COMPONENTS + "Reason"},
        read=_read_reason,
    ),
)
