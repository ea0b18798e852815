"""What changed of an order in words: its lines, its total, its reference, its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oms_cli.terminal.messages import counted

_TOLD_MAX = 5
_NONE = "none"


def event_text(data: Mapping[str, Any]) -> str | None:
    """Say what the data of an `order.changed` say; None for those of any other event."""
    before, after = data.get("before"), data.get("after")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return None
    if "lines" in after:
        total = total_text(before.get("total"), after.get("total"))
        return f"{lines_text(_units(before), _units(after))}; {total}"
    entries = before.get("metadata", {}), after.get("metadata", {})
    return details_text(before.get("reference"), after.get("reference"), *entries)


def lines_text(before: Mapping[int, tuple[str, int]], after: Mapping[int, tuple[str, int]]) -> str:
    """Say which lines became what: `line 1: 3 -> 5 WIDGET, line 2: removed 1 GADGET, line 3: added 2 GIZMO`.

    Both have SKU and units by the number of the line; only those of `after` are compared. More than five are counted.
    An empty text says that they are the same.
    """
    told = []
    for line_no, (sku, units) in after.items():
        _, was = before.get(line_no, (sku, None))
        if was is None:
            told.append(f"line {line_no}: added {units:,} {sku}")
        elif units == 0 < was:
            told.append(f"line {line_no}: removed {was:,} {sku}")
        elif units != was:
            told.append(f"line {line_no}: {was:,} -> {units:,} {sku}")
    return ", ".join(told) if len(told) <= _TOLD_MAX else f"{counted(len(told), 'line')} changed"


def total_text(before: str | None, after: str | None) -> str:
    """Say how the total changed: `total 25.00 -> 62.50`, `total none -> 62.50`; none is where a price is missing."""
    if before == after:
        return f"total {_or_none(after)}"
    return f"total {_or_none(before)} -> {_or_none(after)}"


def details_text(
    reference: str | None, new_reference: str | None, metadata: Mapping[str, str], new_metadata: Mapping[str, str]
) -> str:
    """Say which details became what: `reference WEB-1 -> none, channel web -> shop, added gift=yes, removed note=x`.

    More than five entries of metadata are counted. An empty text says that they are the same.
    """
    told = []
    for name in dict.fromkeys((*metadata, *new_metadata)):
        was, is_now = metadata.get(name), new_metadata.get(name)
        if was is None:
            told.append(f"added {name}={is_now}")
        elif is_now is None:
            told.append(f"removed {name}={was}")
        elif was != is_now:
            told.append(f"{name} {was} -> {is_now}")
    if len(told) > _TOLD_MAX:
        told = [f"{len(told)} entries of metadata changed"]
    if reference != new_reference:
        told.insert(0, f"reference {_or_none(reference)} -> {_or_none(new_reference)}")
    return ", ".join(told)


def _units(state: Mapping[str, Any]) -> dict[int, tuple[str, int]]:
    return {line["line_no"]: (line["sku"], line["quantity"]) for line in state.get("lines", ())}


def _or_none(text: str | None) -> str:
    return _NONE if text is None else text
