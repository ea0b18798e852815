"""Keyset pages: a bounded list and an opaque, validated cursor to the next one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.limits import INT8_MAX, PAGE_ITEMS_MAX
from oms_core.domain.numbers import parse_digits
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError

PRODUCTS_CURSOR = "products"

T = TypeVar("T")

_CURSOR_LENGTH_MAX = 512


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor that continues after them (None at the end).

    `replica_lag_seconds` says how old the items may be, where they were read from a replica.
    """

    items: tuple[T, ...]
    next: str | None
    replica_lag_seconds: float | None = None


def page_of(rows: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> Page[T]:
    """Cut `limit` items from up to `limit` + 1 rows; the extra row shows that there is a next page."""
    items = tuple(rows[:limit])
    return Page(items, cursor_of(items[-1]) if len(rows) > limit else None)


def check_limit(limit: int) -> None:
    """Raise `validation_error` unless the size of a page is within its bounds."""
    findings = Findings()
    findings.whole_number("/limit", limit, lowest=1, highest=PAGE_ITEMS_MAX)
    findings.raise_if_any()


def encode_cursor(kind: str, key: str) -> str:
    """Return a cursor: the key of the last item, with the kind of list."""
    return base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


def cursor_after_product(sku: str) -> str:
    """Return the cursor of the page of products that begins after a SKU, which need not exist."""
    return encode_cursor(PRODUCTS_CURSOR, sku)


def decode_cursor(kind: str, cursor: str) -> str:
    """Return the key in a cursor. Raise `validation_error` for any text that `encode_cursor` did not make for this
    kind.
    """
    try:
        if len(cursor) > _CURSOR_LENGTH_MAX:
            raise ValueError("too long")
        padded = cursor + "=" * (-len(cursor) % 4)
        made_for, _, key = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
        if made_for != kind or encode_cursor(kind, key) != cursor:
            raise ValueError("not of this list")
    except (ValueError, binascii.Error) as error:
        raise bad_cursor() from error
    return key


def decode_number_cursor(kind: str, cursor: str) -> int:
    """Return the row number in a cursor. Raise `validation_error` as `decode_cursor` does."""
    return read_row_number(decode_cursor(kind, cursor), highest=INT8_MAX)


def read_row_number(text: str, *, highest: int) -> int:
    """Read a number in a cursor, written as `str` writes it."""
    try:
        number = parse_digits(text)
    except ValueError as error:
        raise bad_cursor() from error
    if number > highest or str(number) != text:
        raise bad_cursor()
    return number


def decode_sku_cursor(kind: str, cursor: str) -> str:
    """Return the SKU in a cursor. Raise `validation_error` as `decode_cursor` does."""
    key = decode_cursor(kind, cursor)
    findings = Findings()
    findings.sku("/cursor", key)
    if findings.errors:
        raise bad_cursor()
    return key


def decode_id_cursor(kind: str, cursor: str) -> UUID:
    """Return the order id in a cursor. Raise `validation_error` as `decode_cursor` does."""
    key = decode_cursor(kind, cursor)
    try:
        order_id = parse_uuid(key)
    except ValueError as error:
        raise bad_cursor() from error
    if str(order_id) != key:
        raise bad_cursor()
    return order_id


def bad_cursor() -> OmsError:
    """Return the error for a cursor that this list did not make."""
    return one_finding("/cursor", "bad_cursor", "take the cursor from `next` of the same list")
