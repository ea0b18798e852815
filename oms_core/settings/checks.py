"""The checks of setting values; the error for a wrong one names the setting in one line."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Protocol
from urllib.parse import SplitResult, urlsplit

from oms_core.domain.callers import WORKER_NAME
from oms_core.domain.limits import CALLER_LENGTH_MAX
from oms_core.domain.validation import Findings
from oms_core.errors import OmsError

_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TYPES: Mapping[str, tuple[type, str]] = MappingProxyType(
    {
        "str": (str, "text"),
        "int": (int, "a whole number"),
        "bool": (bool, "on or off"),
        "tuple[str, ...]": (tuple, "a list of names"),
    }
)


class SettingGroup(Protocol):
    """A dataclass whose fields are settings: text, whole numbers, switches and lists of text."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def variable(name: str) -> str:
    """Return a field's environment variable."""
    return f"OMS_{name.upper()}"


def wrong(name: str, why: str) -> OmsError:
    """Return the error that names a setting and what it must be."""
    return OmsError("invalid_setting", f"{variable(name)} {why}")


def is_loopback(host: str) -> bool:
    """Return whether an address is loopback. The only name that counts is `localhost`; no name is resolved."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_types(settings: SettingGroup) -> None:
    """Raise `invalid_setting` unless every setting has its declared type."""
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        kind, wanted = _TYPES[str(entry.type)]
        if type(value) is not kind:
            shown = "" if entry.name.endswith("_url") else f"; it is {value!r}"
            raise wrong(entry.name, f"must be {wanted}{shown}")


def check_url(name: str, url: str, examples: str) -> None:
    """Raise `invalid_setting` unless it is a URL whose parts are unambiguous; the URL is never shown."""
    try:
        parts = urlsplit(url)
        is_url = bool(parts.scheme)
    except ValueError:
        is_url = False
    if not is_url:
        raise wrong(name, f"must be a URL such as {examples}")  # Never the URL itself: it may hold a password.
    if parts.netloc and _is_ambiguous(parts):
        raise wrong(name, "must have the special characters of user and password percent-encoded, such as %40 for @")


def _is_ambiguous(parts: SplitResult) -> bool:
    """Return whether a password may contain an @, /, ? or # that was read as its end.

    The rest of it would then be shown as the host or the database's name.
    """
    loose = [parts.path, parts.fragment, *(each for each in parts.query.split("&") if "=" not in each)]
    return parts.netloc.count("@") > 1 or any("@" in each for each in loose)


def check_prefix(prefix: str) -> None:
    """Raise `invalid_setting` unless it may begin the name of a queue."""
    if not _PREFIX.fullmatch(prefix):
        raise wrong("queue_prefix", f"must be 1 to 64 letters, digits, dots, dashes or underscores; it is {prefix!r}")


def check_limits(name: str, text: str, read: Callable[[str], object]) -> None:
    """Raise `invalid_setting` unless `read` accepts the text."""
    try:
        read(text)
    except ValueError as error:
        raise wrong(name, str(error)) from error


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise `invalid_setting` unless it is one of the choices."""
    if value not in choices:
        raise wrong(name, f"must be one of: {', '.join(choices)}; it is {value!r}")


def check_range(name: str, value: int, lowest: int, highest: int) -> None:
    """Raise `invalid_setting` unless it is in the range, both ends included."""
    if not lowest <= value <= highest:
        raise wrong(name, f"must be a whole number from {lowest} to {highest}; it is {value!r}")


def check_locations(locations: tuple[str, ...]) -> None:
    """Raise `invalid_setting` unless they are names of locations, each once."""
    findings = Findings()
    for location in locations:
        findings.location("/locations", location)
    if not locations or findings.errors or len(set(locations)) != len(locations):
        raise wrong("locations", "must list location names, comma-separated, each once")


def check_caller(name: str, caller: str) -> None:
    """Raise `invalid_setting` unless it may name a caller; an empty text names nobody."""
    findings = Findings()
    findings.identifier("/caller", caller, longest=CALLER_LENGTH_MAX)
    if caller and findings.errors:
        raise wrong(name, f"must be a name of at most {CALLER_LENGTH_MAX} characters, without any that are not seen")
    if caller.lower() == WORKER_NAME:
        raise wrong(name, f"must not be {WORKER_NAME}, who settles accepted orders")


def check_each(name: str, entries: Sequence[str], read: Callable[[str], object], wanted: str) -> None:
    """Raise `invalid_setting` unless `read` accepts every entry."""
    for entry in entries:
        try:
            read(str(entry))  # A list in oms.toml may hold numbers, and 1 would be the address 0.0.0.1.
        except ValueError as error:
            raise wrong(name, f"must list {wanted}, comma-separated; it has {entry!r}") from error
