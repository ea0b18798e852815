"""The locations that an import may name: known ones, new ones, and none that looks like a known one."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Sequence

LOCATIONS_COMPARED_MAX = 10_000


class KnownLocations:
    """Those of the settings, those that have stock, and those that the file has named so far.

    `stored` reads the second ones. It is called once, and only for a location that the settings do not name. With
    `existing_only` no new one is taken. `new` are those that were.
    """

    def __init__(
        self, named: Sequence[str], stored: Callable[[int], Collection[str]], *, existing_only: bool = False
    ) -> None:
        self._stored = stored
        self._is_read = False
        self._existing_only = existing_only
        self._known: set[str] = set()
        self._by_likeness: dict[str, str] = {}
        self.new: list[str] = []
        self._learn(named)

    def fault(self, location: str) -> tuple[str, str] | None:
        """Return the code and the detail of what is wrong with a location; None where nothing is."""
        if location in self._known:
            return None
        if not self._is_read:
            self._is_read = True
            self._learn(self._stored(LOCATIONS_COMPARED_MAX))
            return self.fault(location)
        other = self._by_likeness.get(_likeness(location))
        if other is not None:
            return "similar_location", f"differs from the location {other} in nothing but case or width"
        if self._existing_only:
            return "unknown_location", "is no location of OMS_LOCATIONS, nor one that has stock"
        if len(self.new) < LOCATIONS_COMPARED_MAX:
            self.new.append(location)
            self._learn([location])
        return None

    def _learn(self, locations: Collection[str]) -> None:
        self._known.update(locations)
        for location in locations:
            self._by_likeness.setdefault(_likeness(location), location)


def _likeness(location: str) -> str:
    return unicodedata.normalize("NFKC", location).casefold()
