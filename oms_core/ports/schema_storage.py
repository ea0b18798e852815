"""The port of the schema: what the database has of it, its upgrade, and where its cells are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from oms_core.domain.cells import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """Which migrations the database has: the names applied, and those still to apply, in order."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]


class SchemaStorage(Protocol):
    """The schema and its migrations; several upgraders at once apply each migration once."""

    def status(self) -> SchemaStatus:
        """Compare the database with this release. `unknown` lists migrations of a newer release."""
        ...

    def upgrade(self) -> tuple[str, ...]:
        """Apply what is pending, each migration in its own transaction; return the names of those applied now."""
        ...

    def check(self) -> None:
        """Raise `schema_outdated` unless this release can run on the schema (one release newer is fine).

        Raise `storage_unavailable` or `storage_unusable` if the database could not do the work: the server is
        read-only, a right is missing, or the disk is full. This is found by reading: nothing is written, and no writer
        is waited for.
        """
        ...

    def cells(self) -> tuple[Cell, ...]:
        """List the cells of a distributed database, by name; none where the database is not distributed.

        A node that is away makes it raise `storage_unavailable`: how full it is nobody knows then.
        """
        ...
