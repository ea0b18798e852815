"""What a client prefers (RFC 7240): to be answered before its order is placed, and how long it would wait for that."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.request import parse_http_list

from werkzeug.http import parse_options_header, unquote_header_value

from oms_core.domain.numbers import NumberTooLongError, parse_digits

WAIT_SECONDS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondAsync:
    """The preference `respond-async`, with `wait` beside it: None without one, else 0 to 10 seconds."""

    wait_seconds: int | None = None

    @property
    def applied(self) -> tuple[str, str]:
        """The Preference-Applied header that says what was made of it."""
        wait = "" if self.wait_seconds is None else f", wait={self.wait_seconds}"
        return "Preference-Applied", f"respond-async{wait}"


def read_respond_async(header: str | None) -> RespondAsync | None:
    """Read a Prefer header (several are joined by commas); None where it does not ask for `respond-async`.

    A preference that is unknown, repeated or malformed is ignored, as the RFC says. A longer wait than 10 seconds
    counts as 10.
    """
    if not header:
        return None
    preferences: dict[str, str] = {}
    for entry in parse_http_list(header):
        name, _, value = parse_options_header(entry)[0].partition("=")
        preferences.setdefault(name.strip().lower(), unquote_header_value(value.strip()))
    if preferences.get("respond-async") != "":
        return None
    return RespondAsync(wait_seconds=_read_wait(preferences.get("wait", "")))


def _read_wait(text: str) -> int | None:
    try:
        return min(parse_digits(text), WAIT_SECONDS_MAX)
    except NumberTooLongError:
        return WAIT_SECONDS_MAX
    except ValueError:
        return None
