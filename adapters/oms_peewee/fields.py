"""How values are kept: one field per kind of value, whose Python side is the same on both databases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import cast
from uuid import UUID

import peewee

from oms_core.domain.callers import Scope
from oms_core.domain.money import from_ten_thousandths, to_ten_thousandths
from oms_core.domain.orders.placement import EnteredAs

# The column answer_status holds the answer that an order was first given, as its HTTP status.
ENTRY_CODES: Mapping[EnteredAs, int] = MappingProxyType({EnteredAs.PLACED: 201, EnteredAs.QUEUED: 202})
ENTERED_AS: Mapping[int, EnteredAs] = MappingProxyType({code: entered for entered, code in ENTRY_CODES.items()})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_SCOPES: Mapping[str, Scope] = MappingProxyType({scope.value: scope for scope in Scope})


def entered_as(answer_status: int) -> EnteredAs:
    """Return how an order came in. The key of another act than placing is refused by its fingerprint, whatever this."""
    return ENTERED_AS.get(answer_status, EnteredAs.PLACED)


def to_microseconds(time: datetime) -> int:
    """Return an aware time as it is stored: whole microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(stored: int) -> datetime:
    """Return a stored time, aware and in UTC."""
    return _EPOCH + timedelta(microseconds=stored)


def read_time(stored: datetime | int) -> datetime:
    """Return a time in UTC: sessions of PostgreSQL return them so, SQLite returns microseconds."""
    return from_microseconds(stored) if isinstance(stored, int) else stored


class IdField(peewee.Field):
    """A UUID: uuid on PostgreSQL, its 36 characters on SQLite."""

    field_type = "UUID"

    def db_value(self, value: UUID | None) -> str | None:
        """Return the 36 characters, which PostgreSQL reads too."""
        return None if value is None else str(value)

    def python_value(self, value: UUID | str | None) -> UUID | None:
        """Read the 36 characters; psycopg2, as peewee sets it up, has done so already."""
        return UUID(value) if isinstance(value, str) else value


class TimeField(peewee.Field):
    """An aware time: timestamptz on PostgreSQL, microseconds since 1970 on SQLite (written so by SqliteSession)."""

    field_type = "TIMESTAMPTZ"

    def python_value(self, value: datetime | int | None) -> datetime | None:
        return None if value is None else read_time(value)


class JsonField(peewee.Field):
    """A JSON document: jsonb on PostgreSQL, its text on SQLite."""

    field_type = "JSON"

    def db_value(self, value: object) -> str | None:
        """Return the text, which PostgreSQL reads too; None is SQL's NULL, not JSON's."""
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def python_value(self, value: object) -> object:
        """Read the text; psycopg2 has done so already."""
        return json.loads(value) if isinstance(value, str) else value


def read_locations(stored: object) -> tuple[str, ...]:
    """Read the locations of an order: JSON, or what psycopg2 has made of it."""
    named = json.loads(stored) if isinstance(stored, str) else stored
    return tuple(cast("list[str]", named))


class MoneyField(peewee.Field):
    """An exact amount, kept as whole ten-thousandths."""

    field_type = "BIGINT"

    def db_value(self, value: Decimal | None) -> int | None:
        """Return ten-thousandths."""
        return None if value is None else to_ten_thousandths(value)

    def python_value(self, value: int | None) -> Decimal | None:
        """Read ten-thousandths."""
        return None if value is None else from_ten_thousandths(value)


class DigestField(peewee.Field):
    """Some bytes."""

    field_type = "BLOB"

    def python_value(self, value: bytes | memoryview | None) -> bytes | None:
        """Return bytes; psycopg2 reads a memoryview."""
        return None if value is None else bytes(value)


class ScopesField(peewee.Field):
    """Scopes, as OAuth writes them: their names with spaces between (RFC 6749, 3.3)."""

    field_type = "TEXT"

    def db_value(self, value: frozenset[Scope] | None) -> str | None:
        """Return the names, sorted."""
        return None if value is None else " ".join(sorted(value))

    def python_value(self, value: str | None) -> frozenset[Scope] | None:
        """Read the names, and pass over those that only a later release knows."""
        return None if value is None else frozenset(_SCOPES[name] for name in value.split() if name in _SCOPES)
