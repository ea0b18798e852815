"""Order ids are UUIDv7 of their time, so that they sort by it and a range of times is a range of ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core.domain.identifiers import parse_uuid, uuid7, uuid7_floor, uuid7_millisecond

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
times = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
random_bits = st.integers(0, 2**62 - 1)


@given(times, random_bits)
def test_an_id_is_a_uuid_of_version_7_that_carries_its_milliseconds(time: datetime, bits: int) -> None:
    made = uuid7(time, bits)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == (time - EPOCH) // timedelta(milliseconds=1)
    assert made.int & (2**62 - 1) == bits


@given(times, times, random_bits, random_bits)
def test_ids_sort_by_time_to_the_microsecond(one: datetime, other: datetime, bits: int, other_bits: int) -> None:
    if one != other:
        assert (uuid7(one, bits) < uuid7(other, other_bits)) is (one < other)


@given(times, times, random_bits)
def test_a_range_of_times_is_a_range_of_ids(start: datetime, time: datetime, bits: int) -> None:
    assert (uuid7(time, bits) >= uuid7_floor(start)) is (time >= start)


@given(times, random_bits)
def test_a_microsecond_is_enough_to_tell_ids_apart(time: datetime, bits: int) -> None:
    assert uuid7(time, 2**62 - 1) < uuid7(time + timedelta(microseconds=1), 0)


@given(st.datetimes(max_value=datetime(1969, 12, 31), timezones=st.just(UTC)), random_bits)  # noqa: DTZ001
def test_a_time_before_all_ids_is_below_all_of_them(old: datetime, bits: int) -> None:
    assert uuid7_floor(old) <= uuid7(EPOCH, bits)


@given(times.filter(lambda time: time.year < 9999 and time.year > 1970), random_bits)
def test_the_zone_in_which_a_time_is_given_does_not_matter(time: datetime, bits: int) -> None:
    assert uuid7(time.astimezone(timezone(timedelta(hours=5, minutes=30))), bits) == uuid7(time, bits)


@pytest.mark.parametrize(
    "text",
    [
        "{019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10}",
        "urn:uuid:019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10",
        "019ab4c57d307a319c1e0b7f6f3f4a10",
        "0_9ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10",
        "\u06619ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10",
        " 019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10",
        "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10\n",
        "",
    ],
)
def test_an_id_is_read_in_one_form_only(text: str) -> None:
    with pytest.raises(ValueError, match="must be a UUID"):
        parse_uuid(text)


def test_an_id_is_read_in_any_case() -> None:
    order_id = uuid7(datetime(2026, 11, 22, tzinfo=UTC), 5)
    assert parse_uuid(str(order_id)) == parse_uuid(str(order_id).upper()) == order_id


def test_the_beginning_of_an_id_tells_its_millisecond() -> None:
    created_at = datetime(2026, 11, 29, 9, 9, 47, 123_456, tzinfo=UTC)
    made = str(uuid7(created_at, 7))
    for length in (13, 14, 18, 36):
        assert uuid7_millisecond(made[:length]) == created_at.replace(microsecond=123_000)
    with pytest.raises(OverflowError):
        uuid7_millisecond("ffffffff-ffff")
