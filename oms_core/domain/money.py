"""Exact money: Decimal in the program, a decimal string in JSON, integer ten-thousandths in a database.

Nothing here calculates with Decimal: its arithmetic rounds to the precision that the embedding program has chosen.
"""

from __future__ import annotations

import re
from decimal import Decimal

from oms_core.domain.limits import INT8_MAX

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,4})?")
# What nearly every amount is written as: exact, and below every bound. Showing that costs a quarter of calculating it.
_is_small = re.compile(r"[0-9]{1,14}(?:\.[0-9]{1,4})?").fullmatch
_has_two_decimals = re.compile(r"[0-9]+\.[0-9]{2}").fullmatch
_WHOLE_DIGITS_MAX = 15
_DECIMALS_USUAL = 2
_DECIMALS_READ_MAX = 50  # Zeros beyond the fourth decimal are read, but not a million of them.


def parse_money(text: str) -> Decimal:
    """Read a decimal string such as "12.5": no sign, no exponent, at most 4 decimals; ValueError otherwise."""
    if _is_small(text):
        return Decimal(text)
    if not _AMOUNT.fullmatch(text):
        raise ValueError("must be a decimal string such as '12.50', not negative, with at most 4 decimals")
    amount = Decimal(text)
    if to_ten_thousandths(amount) > INT8_MAX:
        raise ValueError("must be below 922337203685477.5808")
    return amount


def is_money(value: object) -> bool:
    """Return whether a value is an amount that is stored exactly: finite, not negative, 4 decimals, within int8."""
    if not isinstance(value, Decimal):
        return False
    if _is_small(str(value)):
        return True
    if not value.is_finite() or (value.is_signed() and value != 0):
        return False
    if value.adjusted() >= _WHOLE_DIGITS_MAX or int(value.as_tuple().exponent) < -_DECIMALS_READ_MAX:
        return False
    numerator, denominator = value.as_integer_ratio()
    amount_e4, remainder = divmod(numerator * 10_000, denominator)
    return remainder == 0 and amount_e4 <= INT8_MAX


def is_whole(amount: Decimal) -> bool:
    """Return whether an amount of money has no fraction."""
    return to_ten_thousandths(amount) % 10_000 == 0


def to_ten_thousandths(amount: Decimal) -> int:
    """Return an amount as whole ten-thousandths."""
    numerator, denominator = amount.as_integer_ratio()
    return numerator * 10_000 // denominator


def from_ten_thousandths(amount_e4: int) -> Decimal:
    """Return whole ten-thousandths as an amount, with 2 to 4 decimals."""
    hundredths, rest = divmod(amount_e4, 100)
    return Decimal(_text(amount_e4) if rest else f"{hundredths}e-2")


def format_money(amount: Decimal, *, decimals: int = 2) -> str:
    """Write an amount with these decimals, or with up to 4 where it has more: "3.00", "2.5525"."""
    if decimals == _DECIMALS_USUAL and _has_two_decimals(text := str(amount)):
        return text
    return _text(to_ten_thousandths(amount), decimals)


def _text(amount_e4: int, decimals: int = 2) -> str:
    whole, fraction = divmod(amount_e4, 10_000)
    if decimals == _DECIMALS_USUAL and fraction % 100 == 0:
        return f"{whole}.{fraction // 100:02d}"
    digits = f"{fraction:04d}"
    shown = digits[:decimals] + digits[decimals:].rstrip("0")
    return f"{whole}.{shown}" if shown else str(whole)
