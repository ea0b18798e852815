"""pydantic's errors in this system's words: a JSON Pointer, a stable code, a detail."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ValidationError

from oms_core.domain.validation import Findings
from oms_http.schemas.checks import REFUSED

_ERRORS_READ_MAX = 100
_NAME_SHOWN_MAX = 64

# pydantic's type of error: our code, and a detail that may use pydantic's context.
_CODES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "missing": ("required", "is required"),
        "extra_forbidden": ("unknown_field", "is not a field of this document"),
        "model_type": ("wrong_type", "must be a JSON object"),
        "string_type": ("wrong_type", "must be a string"),
        "int_type": ("wrong_type", "must be a whole number"),
        "list_type": ("wrong_type", "must be a list"),
        "greater_than_equal": ("out_of_range", "must be at least {ge}"),
        "less_than_equal": ("out_of_range", "must be at most {le}"),
        "string_too_short": ("wrong_length", "must have at least {min_length} characters"),
        "string_too_long": ("wrong_length", "must have at most {max_length} characters"),
        "too_short": ("wrong_length", "must have at least {min_length} entries"),
        "too_long": ("wrong_length", "must have at most {max_length} entries"),
        "string_unicode": ("bad_character", "must not contain surrogates"),
        "invalid_key": ("unknown_field", "is not a field of this document"),
    }
)


def findings_of(error: ValidationError) -> Findings:
    """Return the first 100 of pydantic's errors; one that the table does not know is `invalid` in pydantic's words."""
    findings = Findings()
    for found in error.errors(include_url=False, include_input=False)[:_ERRORS_READ_MAX]:
        code, detail = "invalid", found["msg"]
        context = found.get("ctx") or {}
        if found["type"] == REFUSED:
            code, detail = context["code"], context["detail"]
        elif found["type"] in _CODES:
            code, template = _CODES[found["type"]]
            detail = template.format_map(context)
        findings.add(pointer_to(*found["loc"]), code, detail)
    return findings


def pointer_to(*path: int | str) -> str:
    """Write a JSON Pointer (RFC 6901); names are the client's, so they are shown in ASCII and cut."""
    names = (ascii(name)[1:-1] if isinstance(name, str) else str(name) for name in path)
    return "".join(f"/{name.replace('~', '~0').replace('/', '~1')[:_NAME_SHOWN_MAX]}" for name in names)
