"""Cursors: opaque, made by one list for that list, and refused whatever else they are."""

from __future__ import annotations

import base64
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import OmsError
from oms_core.domain.pages import (
    Page,
    check_limit,
    decode_cursor,
    decode_id_cursor,
    decode_number_cursor,
    decode_sku_cursor,
    encode_cursor,
    page_of,
)

GARBAGE = [
    *["", "x", "=", "====", "AAAA", "????", " ", "\x00", "ü", "a" * 513, "a" * 100_000, "b3JkZXJz", "../..", "null"],
    base64.urlsafe_b64encode(b"orders\xff:x").decode(),
    encode_cursor("orders", "x") + "=",
    encode_cursor("orders", "x") + "\n",
    encode_cursor("orders", "x")[:-1],
]
DECODERS = [decode_cursor, decode_id_cursor, decode_number_cursor, decode_sku_cursor]


def refused(decode: object, kind: str, cursor: str) -> None:
    with pytest.raises(OmsError) as caught:
        decode(kind, cursor)  # type: ignore[operator]
    assert (caught.value.code, caught.value.errors[0].pointer) == ("validation_error", "/cursor")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_a_key_comes_back_from_its_cursor(key: str) -> None:
    cursor = encode_cursor("products", key)
    assert decode_cursor("products", cursor) == key
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?# ")


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize("cursor", GARBAGE, ids=lambda cursor: ascii(cursor[:20]))
def test_garbage_is_no_cursor(decode: object, cursor: str) -> None:
    refused(decode, "orders", cursor)


@given(st.text(max_size=60))
def test_whatever_text_it_is_a_cursor_is_read_or_refused(cursor: str) -> None:
    try:
        key = decode_cursor("orders", cursor)
    except OmsError:
        refused(decode_cursor, "orders", cursor)
    else:
        assert encode_cursor("orders", key) == cursor


@pytest.mark.parametrize("decode", DECODERS)
def test_the_cursor_of_another_list_is_refused(decode: object) -> None:
    for kind, key in (("movements", "1"), ("products", "A"), ("orders2", str(uuid4())), ("", "1")):
        refused(decode, "orders", encode_cursor(kind, key))


@pytest.mark.parametrize(
    "key", ["", "-1", "01", "+1", "1.0", "x", "\u0661", " 1", "9223372036854775808", "0" * 20 + "9" * 99]
)
def test_a_number_beyond_a_row_number_is_refused(key: str) -> None:
    refused(decode_number_cursor, "events", encode_cursor("events", key))


@pytest.mark.parametrize("key", ["", "A\x00", ".", "a/b", " A", "A" * 65, "e\u0301", "\ud7ff\u200b"])
def test_what_is_no_sku_is_refused(key: str) -> None:
    refused(decode_sku_cursor, "products", encode_cursor("products", key))


@pytest.mark.parametrize("key", ["", "x", UUID(int=7).hex, f"urn:uuid:{UUID(int=7)}", str(UUID(int=10)).upper()])
def test_what_is_no_order_id_as_it_is_shown_is_refused(key: str) -> None:
    refused(decode_id_cursor, "orders", encode_cursor("orders", key))


def test_good_keys_are_read() -> None:
    assert decode_number_cursor("events", encode_cursor("events", str(2**63 - 1))) == 2**63 - 1
    assert decode_sku_cursor("products", encode_cursor("products", "ß:😀")) == "ß:😀"
    assert decode_id_cursor("orders", encode_cursor("orders", str(UUID(int=7)))) == UUID(int=7)


@pytest.mark.parametrize("limit", [0, -1, 501, True, 1.0, "1", None, 2**63])
def test_a_page_has_one_to_five_hundred_items(limit: object) -> None:
    with pytest.raises(OmsError) as caught:
        check_limit(limit)  # type: ignore[arg-type]
    assert [found.pointer for found in caught.value.errors] == ["/limit"]


@given(st.lists(st.integers(), max_size=6), st.integers(1, 5))
def test_a_page_names_the_next_only_if_there_is_one(rows: list[int], limit: int) -> None:
    page = page_of(rows[: limit + 1], limit, str)
    assert page == Page(tuple(rows[:limit]), str(rows[limit - 1]) if len(rows) > limit else None)
