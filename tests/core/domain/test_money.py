"""Money is exact: in, out, in sums, and in a program that has set decimal's precision to something else."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, PlaceOrder, SetStock, Settings
from oms_core.documents.orders import show_order
from oms_core.domain.currencies import CURRENCIES, decimals_of
from oms_core.domain.limits import INT8_MAX
from oms_core.domain.money import format_money, from_ten_thousandths, is_money, parse_money, to_ten_thousandths
from oms_core.domain.orders.new_orders import order_total

amounts_e4 = st.integers(0, INT8_MAX)


@given(amounts_e4, st.sampled_from([28, 3]))
def test_every_amount_survives_every_way_there_and_back(amount_e4: int, precision: int) -> None:
    with decimal.localcontext(prec=precision):
        amount = from_ten_thousandths(amount_e4)
        assert is_money(amount)
        assert to_ten_thousandths(amount) == amount_e4
        assert to_ten_thousandths(parse_money(format_money(amount))) == amount_e4
        assert str(amount) == format_money(amount)


@given(amounts_e4)
def test_an_amount_is_printed_with_two_to_four_decimals(amount_e4: int) -> None:
    whole, _, decimals = format_money(from_ten_thousandths(amount_e4)).partition(".")
    assert 2 <= len(decimals) <= 4
    assert int(whole) * 10_000 + int(decimals.ljust(4, "0")) == amount_e4
    assert len(decimals) == 2 or not decimals.endswith("0")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("0", "0.00"), ("3", "3.00"), ("2.5", "2.50"), ("2.5525", "2.5525"), ("2.550", "2.55"), ("007.1", "7.10")],
)
def test_an_amount_is_shown_in_one_way(text: str, shown: str) -> None:
    assert format_money(parse_money(text)) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("-0.00", "0.00"),
        ("1E+2", "100.00"),
        ("0E+5", "0.00"),
        ("1.5000000", "1.50"),
        ("12.95", "12.95"),
        ("-0", "0.00"),
    ],
)
def test_an_amount_is_shown_in_one_way_however_decimal_writes_it(amount: str, shown: str) -> None:
    assert format_money(Decimal(amount)) == shown


@given(amounts_e4)
def test_an_amount_that_was_stored_has_the_decimals_it_is_shown_with(amount_e4: int) -> None:
    amount = from_ten_thousandths(amount_e4)
    assert amount.as_tuple() == Decimal(format_money(amount)).as_tuple()


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1.", ".5", "1.00001", "1e3", "NaN", "1,5", "1_0", " 1", "1\n", "\u0661", "922337203685477.5808"],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_money(text)


@pytest.mark.parametrize(
    "value",
    [
        *(Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-1", "-0.0001", "0.00001", "1E15", "1E+999999")),
        *(Decimal(text) for text in ("1E-999999", "922337203685477.5808", "1.00000000000000000000000000000001")),
        *(1, 1.5, "1", None, True),
    ],
    ids=repr,
)
def test_what_cannot_be_kept_exactly_is_no_money(value: object) -> None:
    assert not is_money(value)


@pytest.mark.parametrize("text", ["0", "-0", "1.5000000", "1E+2", "12E-1", "922337203685477.5807"])
def test_however_it_is_written_an_exact_amount_is_money(text: str) -> None:
    assert is_money(Decimal(text))


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 1_000_000)), min_size=1, max_size=20),
    st.sampled_from([28, 3]),
)
def test_a_total_is_the_exact_sum(lines: list[tuple[int, int]], precision: int) -> None:
    expected = sum(price_e4 * quantity for price_e4, quantity in lines)
    with decimal.localcontext(prec=precision):
        total = order_total(
            [OrderLine(sku="A", quantity=quantity, unit_price=from_ten_thousandths(price)) for price, quantity in lines]
        )
        assert total is not None
        assert to_ten_thousandths(total) == expected


def test_a_total_without_every_price_is_unknown() -> None:
    assert order_total([OrderLine(sku="A", quantity=1, unit_price=Decimal(1)), OrderLine(sku="A", quantity=1)]) is None


def test_a_total_beyond_int8_is_refused_and_the_last_below_is_not() -> None:
    largest = from_ten_thousandths(INT8_MAX)
    assert order_total([OrderLine(sku="A", quantity=1, unit_price=largest)]) == largest
    with pytest.raises(OmsError) as caught:
        order_total([OrderLine(sku="A", quantity=1, unit_price=amount) for amount in (largest, Decimal("0.0001"))])
    assert caught.value.code == "total_too_large"


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("JPY", "100", "100"),
        ("JPY", "100.00", "100"),
        ("JPY", "0", "0"),
        ("KRW", "1000", "1000"),
        ("EUR", "100", "100.00"),
        ("EUR", "2.5525", "2.5525"),
        ("KWD", "1.5", "1.500"),
        ("KWD", "1.2345", "1.2345"),
        ("CLF", "1", "1.0000"),
        ("XAU", "1.5", "1.50"),
    ],
)
def test_an_amount_is_shown_with_the_decimals_of_its_currency(currency: str, amount: str, shown: str) -> None:
    assert format_money(parse_money(amount), decimals=decimals_of(currency)) == shown


def test_currencies_have_the_decimals_of_iso_4217() -> None:
    assert {currency for currency in CURRENCIES if decimals_of(currency) == 0} >= {"JPY", "KRW", "XAF", "CLP", "ISK"}
    assert {decimals_of(currency) for currency in CURRENCIES} == {0, 2, 3, 4}


def priced(currency: str | None, price: str) -> PlaceOrder:
    return PlaceOrder(
        customer_id="C1",
        currency=currency,
        lines=[OrderLine(sku="A", quantity=1), OrderLine(sku="A", quantity=3, unit_price=Decimal(price))],
    )


@pytest.mark.parametrize("price", ["100.50", "0.0001", "100.5"])
@pytest.mark.parametrize("currency", ["JPY", "KRW", "XOF"])
def test_a_part_of_a_unit_is_refused_where_there_is_no_smaller_unit(currency: str, price: str) -> None:
    with pytest.raises(OmsError) as caught:
        priced(currency, price)
    assert [(found.pointer, found.code) for found in caught.value.errors] == [("/lines/1/unit_price", "bad_amount")]


def test_the_currency_of_the_deployment_counts_where_the_order_names_none() -> None:
    caller = Caller(name="buyer", scopes=ALL_SCOPES)
    with Oms.open(Settings(database_url="memory://", currency="JPY")) as oms:
        oms.stock.set(SetStock(sku="A", on_hand=9), caller=caller)
        with pytest.raises(OmsError, match="JPY has no smaller unit"):
            oms.orders.place(priced(None, "100.50"), caller=caller)
        with pytest.raises(OmsError, match="JPY has no smaller unit"):
            oms.orders.accept(priced(None, "100.50"), caller=caller)
        shown = show_order(oms.orders.place(priced(None, "100.0"), caller=caller).order)
        assert shown["total"] is None
        lines = shown["lines"]
        assert isinstance(lines, list)
        assert lines[1]["unit_price"] == "100"
        assert oms.orders.place(priced("EUR", "100.50"), caller=caller).order.currency == "EUR"
