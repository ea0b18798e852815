"""`oms db`: the schema of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oms_cli.commands.command import command, command_group
from oms_cli.commands.session import Session
from oms_cli.terminal.view import Column, View
from oms_core.domain.cells import Cell

app = command_group("db", "The database's schema.")

_WITHOUT_ACTOR = frozenset({"actor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationShown:
    """One migration and its state: applied, pending, or unknown (of a newer release)."""

    name: str
    state: str


_MIGRATIONS: View[MigrationShown] = View(
    columns=(
        Column(name="migration", value=lambda shown: shown.name, whole=True),
        Column(name="state", value=lambda shown: shown.state, style=lambda shown: _COLOURS[shown.state]),
    ),
    document=lambda shown: {"migration": shown.name, "state": shown.state},
    nothing="no migrations",
)
_COLOURS: Mapping[str, str] = {"applied": "green", "pending": "yellow", "unknown": "magenta"}


_CELLS: View[Cell] = View(
    columns=(
        Column(name="cell", value=lambda cell: cell.name, whole=True),
        Column(name="node", value=lambda cell: cell.node),
        Column(name="size_bytes", value=lambda cell: cell.size_bytes, right=True),
        Column(name="orders_estimate", value=lambda cell: cell.orders, right=True),
        Column(name="own", value=lambda cell: cell.is_own, table_value=lambda cell: "this one" if cell.is_own else ""),
    ),
    document=lambda cell: {
        "cell": cell.name,
        "node": cell.node,
        "size_bytes": cell.size_bytes,
        "orders_estimate": cell.orders,
        "own": cell.is_own,
    },
    nothing="no cells: the database is not distributed",
)


@command(app, "upgrade", without=_WITHOUT_ACTOR)
def upgrade(session: Session) -> None:
    """Bring the schema up to this release; makes a missing SQLite file. Safe while the service runs, and to repeat."""
    with session.oms(create=True) as oms:
        where = oms.describe().storage
        applied = oms.schema.upgrade()
    migrations = [MigrationShown(name=name, state="applied") for name in applied]
    if not session.output.is_table:
        session.output.list(_MIGRATIONS, migrations)
        return
    session.output.lines(f"applied {migration.name}" for migration in migrations)
    session.output.sentence(f"{'upgraded' if applied else 'up to date'}: {where}")


@command(app, "status", without=_WITHOUT_ACTOR)
def show_status(session: Session) -> None:
    """List the migrations, and exit with 7 unless this release can run on the schema."""
    with session.oms() as oms:
        status = oms.schema.status()
        session.output.sentence(oms.describe().storage)
        session.output.list(
            _MIGRATIONS,
            [
                MigrationShown(name=name, state=state)
                for state in ("applied", "pending", "unknown")
                for name in getattr(status, state)
            ],
        )
        session.output.flush()
        oms.check()


@command(app, "cells", without=_WITHOUT_ACTOR)
def show_cells(session: Session) -> None:
    """List the cells of a Citus cluster: the node of each, its size, and about how many orders it has."""
    with session.oms() as oms:
        session.output.sentence(oms.describe().storage)
        session.output.list(_CELLS, oms.schema.cells())
