"""Checks of single values, collecting every finding before anything is refused."""

from __future__ import annotations

import unicodedata

from oms_core.domain.limits import COUNT_MAX, LOCATION_LENGTH_MAX, SKU_LENGTH_MAX
from oms_core.errors import FieldError, OmsError

_FINDINGS_MAX = 100
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Findings:
    """What is wrong with one input, the first 100 findings; `raise_if_any` turns them into one `validation_error`."""

    __slots__ = ("errors",)

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def add(self, pointer: str, code: str, detail: str) -> None:
        """Note one wrong value; what is reported stays small however much is wrong."""
        if len(self.errors) < _FINDINGS_MAX:
            self.errors.append(FieldError(pointer=pointer, code=code, detail=detail))

    def raise_if_any(self) -> None:
        """Raise `validation_error` with all findings, if there are any."""
        if self.errors:
            first = self.errors[0]
            more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
            raise OmsError(
                "validation_error",
                f"{first.pointer or 'the input'}: {first.detail}{more}",
                errors=self.errors,
            )

    def whole_number(self, pointer: str, value: object, *, lowest: int = 0, highest: int = COUNT_MAX) -> None:
        """Check an integer (a bool is none) against its inclusive bounds."""
        if type(value) is not int:
            self.add(pointer, "wrong_type", "must be a whole number")
        elif not lowest <= value <= highest:
            self.add(pointer, "out_of_range", f"must be between {lowest} and {highest}")

    def text(self, pointer: str, value: object, *, longest: int, shortest: int = 1) -> None:
        """Check free text: a length in characters, no control, zero-width or surrogate characters (NUL among them)."""
        if not isinstance(value, str):
            self.add(pointer, "wrong_type", "must be a string")
        elif not shortest <= len(value) <= longest:
            self.add(pointer, "wrong_length", f"must have {shortest} to {longest} characters")
        elif has_refused_character(value):
            self.add(pointer, "bad_character", "must not contain control or zero-width characters")

    def sku(self, pointer: str, value: object) -> None:
        """Check a SKU: 1 to 64 characters, NFC, no spaces at the ends, no `/`, not `.` or `..`; case-sensitive."""
        self._name(pointer, value, longest=SKU_LENGTH_MAX)

    def location(self, pointer: str, value: object) -> None:
        """Check a location's name; the rules are a SKU's."""
        self._name(pointer, value, longest=LOCATION_LENGTH_MAX)

    def _name(self, pointer: str, value: object, *, longest: int) -> None:
        before = len(self.errors)
        self.text(pointer, value, longest=longest)
        if len(self.errors) == before and isinstance(value, str):
            fault = _name_fault(value)
            if fault:
                self.add(pointer, "bad_name", fault)


def one_finding(pointer: str, code: str, detail: str) -> OmsError:
    """Give the `validation_error` of a single wrong value."""
    return OmsError(
        "validation_error",
        f"{pointer or 'the input'}: {detail}",
        errors=[FieldError(pointer=pointer, code=code, detail=detail)],
    )


def has_refused_character(value: str) -> bool:
    """Tell whether the text has a control, format (zero-width), surrogate or line-separator character."""
    return not value.isprintable() and any(
        unicodedata.category(character) in _REFUSED_CATEGORIES for character in value
    )


def _name_fault(value: str) -> str | None:
    if value.isalnum() and value.isascii():
        return None
    if value != value.strip():
        return "must not begin or end with a space"
    if "/" in value or value in {".", ".."}:
        return "must not contain '/' nor be '.' or '..'"
    if "\ufffd" in value:
        return "must not contain U+FFFD, which stands for text that could not be read"
    if not unicodedata.is_normalized("NFC", value):
        return "must be in Unicode normal form NFC"
    return None
