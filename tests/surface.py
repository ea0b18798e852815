"""The library's surface: every public method of class Oms and of its parts, by the name that a program calls it by."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from oms_core import (
    ApiKeys,
    Archive,
    Changes,
    DeadLetters,
    Holds,
    Imports,
    Locations,
    Oms,
    Orders,
    Queue,
    RateLimits,
    Returns,
    Shipments,
    Stock,
)

PARTS: dict[str, type] = {
    "orders": Orders,
    "changes": Changes,
    "holds": Holds,
    "shipments": Shipments,
    "returns": Returns,
    "stock": Stock,
    "locations": Locations,
    "imports": Imports,
    "queue": Queue,
    "queue.dead_letters": DeadLetters,
    "archive": Archive,
    "api_keys": ApiKeys,
    "rate_limits": RateLimits,
}


def _methods(prefix: str, of: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, method in vars(of).items():
        if inspect.isfunction(method) and name[0] != "_":
            yield f"{prefix}{name}", method


METHODS: dict[str, Callable[..., Any]] = dict(_methods("", Oms))
for _name, _part in PARTS.items():
    METHODS.update(_methods(f"{_name}.", _part))
