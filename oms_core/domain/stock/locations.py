"""Locations: places that hold stock, whether it is sold and shipped from there, and what they may be called."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from oms_core.domain import limits
from oms_core.domain.commands import UNSET, Unset
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError


class LocationKind(StrEnum):
    """What a location is for. Only stock is sold and shipped."""

    STOCK = "stock"
    QUARANTINE = "quarantine"
    INCOMING = "incoming"
    TRANSIT = "transit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place that holds stock. Times are aware UTC; `expected_at` is when what is there is to arrive."""

    name: str
    kind: LocationKind
    sells: bool
    ships: bool
    expected_at: datetime | None
    note: str | None
    updated_at: datetime

    def withheld(self, kept_back: int) -> int:
        """Return how many units of a level here are not sold, however many there are."""
        return kept_back if self.sells else COUNT_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLocation:
    """Make a location known, or set those of its values that are given; None clears a time or a note.

    A location of another kind than stock neither sells nor ships; one that becomes stock does both unless it is said.
    """

    name: str
    kind: LocationKind | None = None
    sells: bool | None = None
    ships: bool | None = None
    expected_at: datetime | Unset | None = UNSET
    note: str | Unset | None = UNSET

    def __post_init__(self) -> None:
        findings = Findings()
        findings.location("/name", self.name)
        if self.kind is not None and not isinstance(self.kind, LocationKind):
            findings.add("/kind", "unknown_kind", f"must be one of {', '.join(LocationKind)}")
        for name in ("sells", "ships"):
            if not isinstance(getattr(self, name), bool | None):
                findings.add(f"/{name}", "wrong_type", "must be true or false")
        if not _is_time(self.expected_at):
            findings.add("/expected_at", "wrong_type", "must be a time with its offset from UTC")
        if self.note is not None and not isinstance(self.note, Unset):
            findings.prose("/note", self.note, longest=limits.REASON_LENGTH_MAX)
        findings.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """The locations of the settings; where it `is_strict`, only these and those that are stored may be named."""

    named: tuple[str, ...] = ()
    is_strict: bool = False

    def check(self, name: str, stored: Callable[[], Iterable[Location]]) -> None:
        """Raise `validation_error` (`unknown_location`) for a name that may not be used."""
        if self.is_strict and name not in self.named and all(name != each.name for each in stored()):
            raise one_finding("/location", "unknown_location", f"{name} is no location that is known")


ANY_NAME = KnownNames()


def new_location(name: str, now: datetime) -> Location:
    """Return a location of which nothing is known but its name: it sells, and ships."""
    return Location(
        name=name, kind=LocationKind.STOCK, sells=True, ships=True, expected_at=None, note=None, updated_at=now
    )


def decide_location(present: Location | None, command: SetLocation, now: datetime) -> Location:
    """Return a location as the command sets it, unchanged where it is so already.

    Raise `validation_error` for one that is no stock and is to sell or ship.
    """
    before = present or new_location(command.name, now)
    kind = command.kind or before.kind
    is_stock, was_stock = kind is LocationKind.STOCK, before.kind is LocationKind.STOCK
    if not is_stock and (command.sells or command.ships):
        raise one_finding("/kind", "sells_no_stock", f"a location for {kind} neither sells nor ships")
    after = replace(
        before,
        kind=kind,
        sells=is_stock and _given(command.sells, before.sells if was_stock else True),
        ships=is_stock and _given(command.ships, before.ships if was_stock else True),
        expected_at=before.expected_at if isinstance(command.expected_at, Unset) else command.expected_at,
        note=before.note if isinstance(command.note, Unset) else command.note,
    )
    return after if after == before else replace(after, updated_at=now)


def folded(name: str) -> str:
    """Return a name without case and width: no two locations differ in those only."""
    return unicodedata.normalize("NFKC", name).casefold()


def check_new(name: str, known: Iterable[str]) -> None:
    """Raise `validation_error` for a new location that differs from a known one in nothing but case or width."""
    likeness = folded(name)
    for other in known:
        if folded(other) == likeness:
            detail = f"differs from the location {other} in nothing but case or width"
            raise one_finding("/location", "similar_location", detail)


def location_not_found(name: str) -> OmsError:
    """Return the error for a location that nobody has named yet."""
    return OmsError("location_not_found", f"there is no location {name[:64]!a}")


def _is_time(value: object) -> bool:
    """Return whether a value is an aware time, or none."""
    if isinstance(value, datetime):
        return value.utcoffset() is not None
    return value is None or isinstance(value, Unset)


def _given(given: bool | None, before: bool) -> bool:
    return before if given is None else given
