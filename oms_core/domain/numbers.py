"""How whole numbers are read from text, the same for every driver."""

from __future__ import annotations

import re

DIGITS_MAX = 40

# [0-9] and not \d. `int` itself also accepts spaces around, underscores within, and the digits of every script.
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
_DIGITS = re.compile(r"[0-9]+")


class NumberTooLongError(ValueError):
    """A number of more than 40 digits, which is above every bound."""


def parse_whole_number(text: str) -> int:
    """Read `[+-]?[0-9]+`. Raise ValueError for any other text, with a detail for its sender.

    Use it for what people write: arguments, settings, files of rows.
    """
    return _parse(_WHOLE_NUMBER, text)


def parse_digits(text: str) -> int:
    """Read `[0-9]+`. Raise ValueError for any other text, with a detail for its sender.

    Use it for what programs write: parameters, headers, cursors. None of these has a sign.
    """
    return _parse(_DIGITS, text)


def _parse(shape: re.Pattern[str], text: str) -> int:
    if not shape.fullmatch(text):
        raise ValueError("must be a whole number")
    digits = text.lstrip("+-0")
    if len(digits) > DIGITS_MAX:
        raise NumberTooLongError(f"must be a whole number of at most {DIGITS_MAX} digits")
    return -int(digits or "0") if text[0] == "-" else int(digits or "0")
