"""The one reader of whole numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core.domain.numbers import NumberTooLongError, parse_digits, parse_whole_number

Parse = Callable[[str], int]


@given(st.integers(min_value=-(10**40) + 1, max_value=10**40 - 1), st.text("0", max_size=50))
def test_what_is_written_is_read(number: int, zeros: str) -> None:
    sign, digits = ("-" if number < 0 else "", str(abs(number)))
    assert parse_whole_number(sign + zeros + digits) == number
    assert parse_whole_number(f"+{zeros}{digits}") == abs(number) == parse_digits(zeros + digits)


@given(st.text(st.sampled_from("019+-_. e\n\u0661\uff11\u00b2"), max_size=6))
def test_any_other_text_is_refused(text: str) -> None:
    digits = text[1:] if text[:1] in ("+", "-") else text
    for parse, is_number in ((parse_digits, _is_ascii_digits(text)), (parse_whole_number, _is_ascii_digits(digits))):
        if not is_number:
            with pytest.raises(ValueError, match="must be a whole number"):
                parse(text)


@pytest.mark.parametrize("parse", [parse_digits, parse_whole_number])
def test_a_number_of_more_than_40_digits_is_refused_without_being_read(parse: Parse) -> None:
    assert parse("9" * 40) == 10**40 - 1
    with pytest.raises(NumberTooLongError, match="at most 40 digits"):
        parse("1" + "0" * 100_000)


def _is_ascii_digits(text: str) -> bool:
    return bool(text) and set(text) <= set("0123456789")
