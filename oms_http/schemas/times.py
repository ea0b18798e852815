"""Times as they come in: RFC 3339 with an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from oms_core.domain.validation import Findings

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_TIME_LENGTH_MAX = 64


def read_time(findings: Findings, pointer: str, text: str) -> datetime | None:
    """Read an RFC 3339 time, noting what is wrong with it."""
    if len(text) > _TIME_LENGTH_MAX or not _TIME.fullmatch(text):
        detail = "must be an RFC 3339 time with its offset, such as 2026-11-22T21:00:00Z (encode + as %2B)"
        findings.add(pointer, "bad_time", detail)
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        findings.add(pointer, "bad_time", f"is no time of the calendar: {error}")
        return None
