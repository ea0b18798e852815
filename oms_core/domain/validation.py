"""Checks of single values. All findings are collected before the input is refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from oms_core.domain.characters import identifier_fault, prose_fault
from oms_core.domain.limits import COUNT_MAX, LOCATION_LENGTH_MAX, SKU_LENGTH_MAX
from oms_core.errors import FieldError, OmsError

FINDINGS_MAX = 100
# Nearly every name is visible ASCII that begins with a letter or a digit: then there is nothing else to check.
_is_plain_name = re.compile("[0-9A-Za-z][!-.0-~]*").fullmatch


def is_plain_sku(value: object) -> bool:
    """Return whether a value is a SKU, told at a glance; False says nothing, `Findings.sku` tells."""
    return isinstance(value, str) and len(value) <= SKU_LENGTH_MAX and _is_plain_name(value) is not None


class Findings:
    """What is wrong with one input; `raise_if_any` turns it into one `validation_error`.

    At `most` findings it raises at once, so that a bad document is not checked to its end.
    """

    __slots__ = ("_most", "errors")

    def __init__(self, most: int = FINDINGS_MAX) -> None:
        self.errors: list[FieldError] = []
        self._most = most

    def add(self, pointer: str, code: str, detail: str) -> None:
        """Note one wrong value. Raise `validation_error` when it is the last that may be noted."""
        self.errors.append(FieldError(pointer=pointer, code=code, detail=detail))
        if len(self.errors) >= self._most:
            self.raise_if_any()

    def merge(self, errors: Iterable[FieldError]) -> None:
        """Note the findings of a second check of the same document, except for values that have a finding already."""
        found = {error.pointer for error in self.errors}
        for error in errors:
            if not any(error.pointer == pointer or error.pointer.startswith(f"{pointer}/") for pointer in found):
                self.add(error.pointer, error.code, error.detail)

    def noting(self) -> Noting:
        """Note the findings of a `validation_error` in a block, and go on. Other errors pass through."""
        return Noting(self)

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
        """Check an integer (a bool is not one) against its inclusive bounds."""
        if type(value) is not int:
            self.add(pointer, "wrong_type", "must be a whole number")
        elif not lowest <= value <= highest:
            self.add(pointer, "out_of_range", f"must be between {lowest} and {highest}")

    def identifier(self, pointer: str, value: object, *, longest: int) -> None:
        """Check a text that things are found by: its length in characters, and no invisible or ambiguous characters."""
        if text := self._text(pointer, value, shortest=1, longest=longest):
            self._characters(pointer, identifier_fault(text))

    def prose(self, pointer: str, value: object, *, longest: int, shortest: int = 1) -> None:
        """Check a text that people read: its length in characters, and no control characters but tab and line ends."""
        if text := self._text(pointer, value, shortest=shortest, longest=longest):
            self._characters(pointer, prose_fault(text))

    def sku(self, pointer: str, value: object) -> None:
        """Check a SKU: 1 to 64 characters, NFC, no spaces at the ends, no `/`, not `.` or `..`; case-sensitive."""
        self._name(pointer, value, longest=SKU_LENGTH_MAX)

    def location(self, pointer: str, value: object) -> None:
        """Check a location's name by the rules of a SKU."""
        self._name(pointer, value, longest=LOCATION_LENGTH_MAX)

    def _name(self, pointer: str, value: object, *, longest: int) -> None:
        text = self._text(pointer, value, shortest=1, longest=longest)
        if text is None or _is_plain_name(text):
            return
        if fault := identifier_fault(text):
            self._characters(pointer, fault)
        elif fault := _name_fault(text):
            self.add(pointer, "bad_name", fault)

    def _text(self, pointer: str, value: object, *, shortest: int, longest: int) -> str | None:
        """Return the value if it is a text with a length in these bounds, else note that it is not."""
        if not isinstance(value, str):
            self.add(pointer, "wrong_type", "must be a string")
        elif not shortest <= len(value) <= longest:
            self.add(pointer, "wrong_length", f"must have {shortest} to {longest} characters")
        else:
            return value
        return None

    def _characters(self, pointer: str, fault: str | None) -> None:
        if fault is not None:
            self.add(pointer, "bad_character", fault)


class Noting:
    """A block whose findings are noted. Every order passes several: a generator would take twice the time."""

    __slots__ = ("_findings",)

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> bool:
        if not isinstance(error, OmsError) or not error.errors:
            return False
        self._findings.merge(error.errors)
        return True


def one_finding(pointer: str, code: str, detail: str) -> OmsError:
    """Return the `validation_error` of a single wrong value."""
    return OmsError(
        "validation_error",
        f"{pointer or 'the input'}: {detail}",
        errors=[FieldError(pointer=pointer, code=code, detail=detail)],
    )


def _name_fault(value: str) -> str | None:
    if "/" in value or value in {".", ".."}:
        return "must not contain '/' nor be '.' or '..'"
    if "\ufffd" in value:
        return "must not contain U+FFFD, which stands for text that could not be read"
    if not unicodedata.is_normalized("NFC", value):
        return "must be in Unicode normal form NFC"
    return None
