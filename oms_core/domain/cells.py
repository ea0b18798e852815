"""The parts of a distributed database, as its operator sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A part of a distributed database that is a database of the product by itself, and is on one node.

    `node` is its host and port. `size_bytes` counts tables and indexes. `orders` is an estimate: the statistics of the
    node say it, and know nothing before the first ANALYZE. `is_own`: this storage works in it.
    """

    name: str
    node: str
    size_bytes: int
    orders: int
    is_own: bool
