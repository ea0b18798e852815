"""The core's checks of single values as parts of a schema, so that one reading of a body finds all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from oms_core.domain.validation import Findings

REFUSED = "refused"


def checked(check: Callable[[Findings, str, Any], object]) -> AfterValidator:
    """Check a value of the right type as the core does, unless it is null; what is found keeps its code and detail."""

    def validate(value: Any) -> Any:
        findings = Findings()
        if value is not None:
            check(findings, "", value)
        for found in findings.errors:
            raise PydanticCustomError(REFUSED, "{detail}", {"code": found.code, "detail": found.detail})
        return value

    return AfterValidator(validate)


def one_of(names: Collection[str], code: str) -> AfterValidator:
    """Check that a text is one of some names, in any case."""

    def check(findings: Findings, pointer: str, text: str) -> None:
        if text.lower() not in names:
            findings.add(pointer, code, f"must be one of {', '.join(names)}")

    return checked(check)


def identifier(longest: int) -> AfterValidator:
    """Check what things are found by."""
    return checked(lambda findings, pointer, text: findings.identifier(pointer, text, longest=longest))


def prose(longest: int) -> AfterValidator:
    """Check what people read."""
    return checked(lambda findings, pointer, text: findings.prose(pointer, text, longest=longest, shortest=0))
