"""`oms db`: the schema of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oms_cli.commands.command import command, command_group
from oms_cli.commands.session import Session
from oms_cli.terminal.view import Column, View

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
