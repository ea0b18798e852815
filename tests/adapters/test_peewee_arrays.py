"""PostgreSQL reads our array literals as they were meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oms_peewee.faults import UnstorableValueError
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.statements import Statement

from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
TIMES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.fixture(scope="module")
def cursor(postgresql_server: PostgresqlServer) -> Iterator[Any]:
    with connected(postgresql_server.url) as connection, connection.cursor() as cursor:
        cursor.execute("SET timezone = 'UTC'")
        yield cursor


def read_back(cursor: Any, literal: str, kind: str) -> list[Any]:
    cursor.execute(f"SELECT %s::{kind}[]", (literal,))
    return list(cursor.fetchone()[0])


@given(values=st.lists(TEXT | st.none()))
def test_texts(cursor: Any, values: list[str | None]) -> None:
    expected = values if any(value is not None for value in values) else []
    assert read_back(cursor, arrays.texts(values), "text") == expected


@given(values=st.lists(NUMBERS | st.none()))
def test_numbers(cursor: Any, values: list[int | None]) -> None:
    assert read_back(cursor, arrays.numbers(values), "bigint") == values


@given(values=st.lists(st.uuids() | st.none()))
def test_ids(cursor: Any, values: list[UUID | None]) -> None:
    found = read_back(cursor, arrays.ids(values), "uuid")
    assert [None if each is None else UUID(str(each)) for each in found] == values


@given(values=st.lists(TIMES))
def test_times(cursor: Any, values: list[datetime]) -> None:
    assert read_back(cursor, arrays.times(values), "timestamptz") == values


@given(values=st.lists(st.binary(max_size=8) | st.none()))
def test_digests(cursor: Any, values: list[bytes | None]) -> None:
    expected = values if any(value is not None for value in values) else []
    found = read_back(cursor, arrays.digests(values), "bytea")
    assert [None if each is None else bytes(each) for each in found] == expected


@given(values=st.lists(st.dictionaries(TEXT, TEXT | st.none() | NUMBERS, max_size=3)))
def test_documents(cursor: Any, values: list[dict[str, Any]]) -> None:
    assert read_back(cursor, arrays.documents(values), "jsonb") == values


@pytest.mark.parametrize("values", [["a\x00b"], ["a", "b\x00"], [None, "\x00"], ["\x00", "b"]])
def test_a_nul_does_not_make_two_texts_of_one(values: list[str | None]) -> None:
    with pytest.raises(UnstorableValueError):
        arrays.texts(values)


@pytest.mark.parametrize("sql", ["SELECT $2, $1", "SELECT $1", "SELECT $1, $1"])
def test_a_statement_whose_parameters_are_out_of_order_is_refused(sql: str) -> None:
    with pytest.raises(ValueError, match="in order"):
        Statement(name="wrong", types=("text", "text"), sql=sql)
