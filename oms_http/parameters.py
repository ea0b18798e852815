"""The query parameters of the lists."""

from __future__ import annotations

from types import MappingProxyType

from oms_core.domain import limits
from oms_core.domain.import_commands import ImportMode
from oms_core.domain.validation import Findings
from oms_http.queries import PAGE_PARAMETERS, QueryParameter

_COMPONENTS = "#/components/schemas/"
_SWITCHES = MappingProxyType({"true": True, "false": False})
_MODES = MappingProxyType({mode.value: mode for mode in ImportMode})


def _read_reason(findings: Findings, pointer: str, text: str) -> str:
    findings.prose(pointer, text, longest=limits.REASON_LENGTH_MAX)
    return text


def _read_switch(findings: Findings, pointer: str, text: str) -> bool | None:
    if text not in _SWITCHES:
        findings.add(pointer, "wrong_type", "must be true or false")
    return _SWITCHES.get(text)


def _read_mode(findings: Findings, pointer: str, text: str) -> ImportMode | None:
    mode = _MODES.get(text.lower())
    if mode is None:
        findings.add(pointer, "unknown_mode", f"must be one of {', '.join(_MODES)}")
    return mode


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
