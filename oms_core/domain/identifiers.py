"""Order ids: UUIDv7 (RFC 9562, method 3), so that ids sort by time of creation to the microsecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# RFC 9562, section 4. Python's UUID also reads braces, underscores, urn: and the digits of every script.
_CANONICAL = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def uuid7(created_at: datetime, random_bits: int) -> UUID:
    """Return the id of something created at an aware time, from 62 random bits.

    The 12 bits after the millisecond hold its fraction, so two ids made a microsecond apart sort by time, and a range
    of creation times is a range of ids (`uuid7_floor`).
    """
    milliseconds, microseconds = divmod((created_at - _EPOCH) // _MICROSECOND, 1_000)
    fraction = microseconds * 4_096 // 1_000
    return UUID(
        int=(milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random_bits & (1 << 62) - 1
    )


def uuid7_floor(created_at: datetime) -> UUID:
    """Return the lowest id that anything created at or after this time can have."""
    return uuid7(max(created_at, _EPOCH), 0)


def uuid7_millisecond(beginning: str) -> datetime:
    """Return the millisecond in which ids with this beginning were made; `beginning` has at least 12 hexadecimal
    digits.

    Raise OverflowError after the year 9999.
    """
    milliseconds = int.from_bytes(bytes.fromhex(beginning.replace("-", "")[:12]))
    return _EPOCH + timedelta(milliseconds=milliseconds)


def parse_uuid(text: str) -> UUID:
    """Read an id in the form of RFC 9562, in any case. Raise ValueError for any other text."""
    text = canonical_uuid(text)
    return UUID(text)


def canonical_uuid(text: str) -> str:
    """Return an id as it is written, in lower case, which takes less time than making it. Raise as `parse_uuid`."""
    if not _CANONICAL.fullmatch(text):
        raise ValueError("must be a UUID")
    return text.lower()
