"""What is told at a glance of nearly every value is what the whole rules would say of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import Caller, OmsError
from oms_core.documents.orders import show_time
from oms_core.domain.characters import identifier_fault
from oms_core.domain.money import format_money, from_ten_thousandths, is_money, parse_money
from oms_core.domain.validation import is_plain_sku

ALLOWED = {chr(code) for code in range(0x21, 0x7F)}


@pytest.mark.parametrize("code", range(0x100))
def test_an_identifier_of_one_character_is_plain_if_that_is_visible(code: int) -> None:
    if code < 0x80:
        assert (identifier_fault(chr(code)) is None) == (chr(code) in ALLOWED)
    assert (identifier_fault(f"a{chr(code)}\u200b") is not None) is True


@given(st.text(max_size=70) | st.text(st.sampled_from("a.-/ \u00e9\n"), max_size=70))
def test_a_plain_sku_breaks_no_rule(text: str) -> None:
    if is_plain_sku(text):
        assert 1 <= len(text) <= 64
        assert set(text) <= ALLOWED - {"/"}
        assert text not in {".", ".."}


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "a" * 65, " a", "a ", "a\n", "\u00e9", None, 5])
def test_what_is_no_plain_sku_is_left_to_the_rules(value: object) -> None:
    assert not is_plain_sku(value)


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(min_value=0, max_value=10**15, places=4))
def test_money_is_what_ten_thousandths_hold(value: Decimal) -> None:
    exact = value.is_finite() and value >= 0 and value * 10_000 == int(value * 10_000) if value.is_finite() else False
    small = value.is_finite() and value.adjusted() < 14 and int(value.as_tuple().exponent) >= -4
    if small and not value.is_signed():
        assert is_money(value) == exact
    if not value.is_finite() or value < 0:
        assert not is_money(value)


@given(st.integers(0, 10**18), st.sampled_from([0, 2, 3, 4]))
def test_an_amount_is_shown_with_the_decimals_that_it_has(amount_e4: int, decimals: int) -> None:
    whole, fraction = divmod(amount_e4, 10_000)
    kept = max(decimals, len(f"{fraction:04}".rstrip("0")))
    shown = f"{whole}.{f'{fraction:04}'[:kept]}" if kept else str(whole)
    assert format_money(from_ten_thousandths(amount_e4), decimals=decimals) == shown
    if amount_e4 < 10**15:
        assert parse_money(shown) == from_ten_thousandths(amount_e4)


@pytest.mark.parametrize(
    "time",
    [
        datetime(2026, 11, 29, 21, 0, 0, 5, UTC),
        datetime(2026, 11, 29, 21, 0, 0, 5, timezone(timedelta(0), "GMT")),
        datetime(2026, 11, 29, 23, 0, 0, 5, timezone(timedelta(hours=2))),
    ],
)
def test_a_time_is_shown_in_utc(time: datetime) -> None:
    assert show_time(time) == "2026-11-29T21:00:00.000005Z"


@pytest.mark.parametrize("member", ["name", "customer_id", "request_id"])
@pytest.mark.parametrize("text", ["", "a" * 129, "a\n", " a", "\u200b"])
def test_a_caller_is_checked(member: str, text: str) -> None:
    with pytest.raises(OmsError) as caught:
        Caller(**{"name": "shop", "scopes": frozenset(), member: text})  # type: ignore[arg-type]
    assert [error.pointer for error in caught.value.errors] == [f"/caller/{member}"]
