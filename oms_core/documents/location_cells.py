"""The locations of an order in one cell of a CSV file: their names in order, as `north;east`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from oms_core.documents.json_text import parse_json
from oms_core.errors import OmsError

_SEPARATOR = ";"
_LIST_BEGINS = "["


def locations_cell(locations: Sequence[str]) -> str:
    """Return names as a cell. A name may hold the separator itself: such names are a JSON list."""
    cell = _SEPARATOR.join(locations)
    if cell.count(_SEPARATOR) >= len(locations) or cell.startswith(_LIST_BEGINS):
        return json.dumps(list(locations), ensure_ascii=False, separators=(",", ":"))
    return cell


def read_locations_cell(cell: str) -> list[object]:
    """Return the names that a cell says. What they may be is the check of the order's; an empty one is among them."""
    if cell.startswith(_LIST_BEGINS):
        try:
            names = parse_json(cell.encode())
        except OmsError:
            names = None
        if isinstance(names, list):
            return names
    return [name.strip() for name in cell.split(_SEPARATOR)]
