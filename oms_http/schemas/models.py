"""How pydantic reads a document as the core would: strictly, with the core's checks, and with its words for errors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from oms_core.domain.validation import Findings

_REFUSED = "refused"
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


class Input(BaseModel):
    """Something that is read: a field that is not listed is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @classmethod
    def check_together(cls, findings: Findings, document: Mapping[str, object]) -> None:
        """Note what is wrong between fields; each alone may be wrong too."""


class Output(BaseModel):
    """Something that is shown; fields may be added in later releases, so readers ignore what they do not know."""

    model_config = ConfigDict(strict=True)


def checked(check: Callable[[Findings, str, Any], object]) -> AfterValidator:
    """Check a value of the right type as the core does, unless it is null; what is found keeps its code and detail."""

    def validate(value: Any) -> Any:
        findings = Findings()
        if value is not None:
            check(findings, "", value)
        for found in findings.errors:
            raise PydanticCustomError(_REFUSED, "{detail}", {"code": found.code, "detail": found.detail})
        return value

    return AfterValidator(validate)


def one_of(names: Collection[str], code: str) -> AfterValidator:
    """Check that a text is one of some names, in any case."""

    def check(findings: Findings, pointer: str, text: str) -> None:
        if text.lower() not in names:
            findings.add(pointer, code, f"must be one of {', '.join(names)}")

    return checked(check)


def identifier(longest: int) -> AfterValidator:
    """Check a text that something is found by."""
    return checked(lambda findings, pointer, text: findings.identifier(pointer, text, longest=longest))


def prose(longest: int) -> AfterValidator:
    """Check a text that people read."""
    return checked(lambda findings, pointer, text: findings.prose(pointer, text, longest=longest, shortest=0))


def findings_of(error: ValidationError) -> Findings:
    """Return the first 100 of pydantic's errors; one that the table does not know is `invalid` in pydantic's words."""
    findings = Findings()
    for found in error.errors(include_url=False, include_input=False)[:_ERRORS_READ_MAX]:
        code, detail = "invalid", found["msg"]
        context = found.get("ctx") or {}
        if found["type"] == _REFUSED:
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
