"""The schema of a database: what it has, what it lacks, and the upgrade."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from oms_core.domain.cells import Cell
from oms_core.errors import OmsError
from oms_core.ports.schema_storage import SchemaStatus
from oms_peewee.database import Database
from oms_peewee.dialect import SchemaDialect
from oms_peewee.session import Session

_NEEDS = "-- needs: "
_FORMERLY = re.compile(r"^-- formerly: ([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file: its name without `.sql`, and what is in it."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def checksums(self) -> set[str]:
        """Its checksum, and those of former texts that made the same tables: `-- formerly: CHECKSUM`, one a line."""
        return {self.checksum, *_FORMERLY.findall(self.sql)}

    @property
    def needs(self) -> str | None:
        """The migration that code must know to run on a database that has this one; None where any code runs on.

        A file that removes something older code uses has a first line `-- needs: NAME`.
        """
        first = self.sql.partition("\n")[0]
        return first.removeprefix(_NEEDS).strip() if first.startswith(_NEEDS) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applied:
    """A row of schema_migrations."""

    name: str
    checksum: str
    needs: str | None


class PeeweeSchema:
    """SchemaStorage over SQL files.

    A process runs on a database with migrations that it does not know, unless one of them needs newer code than this
    (`Migration.needs`).
    """

    def __init__(self, database: Database, dialect: SchemaDialect, known: Sequence[Migration] = ()) -> None:
        self._database = database
        self._dialect = dialect
        self._known = list(known) or migrations(dialect.name)

    def status(self) -> SchemaStatus:
        return self._status(self._database.read(_applied))

    def upgrade(self) -> tuple[str, ...]:
        """Apply what is pending. Raise `schema_outdated` when a file is not what was applied under its name.

        It looks first: where nothing is to be done it waits for no lock, and needs no right to change the schema.
        """
        applied = self._database.read(_applied)
        self._check_unchanged(applied)
        if not self._status(applied).pending:
            return ()
        upgraded: list[str] = []
        while (name := self._upgrade_by_one()) is not None:
            upgraded.append(name)
        return tuple(upgraded)

    def check(self) -> None:
        self._database.check_lasting()
        self._check_fits(self._database.read(_applied_and_ready))

    def cells(self) -> tuple[Cell, ...]:
        return tuple(self._database.read(lambda session: [*self._dialect.cells(session)]))

    def check_fits(self) -> None:
        """Raise `schema_outdated` as `check` does, and do not ask whether anything can be written."""
        self._check_fits(self._database.read(_applied))

    def _check_fits(self, applied: Sequence[_Applied]) -> None:
        self._check_unchanged(applied)
        if pending := self._status(applied).pending:
            raise _outdated(f"{self._database.describe()} lacks {', '.join(pending)}: run `oms db upgrade`")
        names = {migration.name for migration in self._known}
        for row in applied:
            if row.needs is not None and row.needs not in names:
                raise _outdated(f"{self._database.describe()} has {row.name}, which this release is too old for")

    def _upgrade_by_one(self) -> str | None:
        """Apply the next migration and return its name; None where there is none."""
        tried: list[str] = []
        return self._database.write_by_ids(lambda attempt: self._apply_next(attempt.session, tried), look_up={})

    def _apply_next(self, session: Session, tried: list[str]) -> str | None:
        with session.unlimited(), session.atomic():
            for statement in self._dialect.prepare:
                session.execute_sql(statement)
            applied = _applied(session)
            self._check_unchanged(applied)
            if done := {row.name for row in applied}.intersection(tried):
                return done.pop()  # The COMMIT whose answer was lost.
            pending = self._status(applied).pending
            if not pending:
                return None
            tried[:] = [pending[0]]
            self._apply(session, next(each for each in self._known if each.name == pending[0]))
            return pending[0]

    def _apply(self, session: Session, migration: Migration) -> None:
        for statement in self._dialect.statements(migration.sql):
            session.execute_sql(statement)
        values = ", ".join([self._dialect.param] * 3)
        session.execute_sql(
            f"INSERT INTO schema_migrations (name, checksum, needs) VALUES ({values})",  # noqa: S608  Only its form.
            (migration.name, migration.checksum, migration.needs),
        )

    def _status(self, applied: Sequence[_Applied]) -> SchemaStatus:
        done = {row.name for row in applied}
        known = {migration.name for migration in self._known}
        return SchemaStatus(
            applied=tuple(sorted(done & known)),
            pending=tuple(sorted(known - done)),
            unknown=tuple(sorted(done - known)),
        )

    def _check_unchanged(self, applied: Sequence[_Applied]) -> None:
        checksums = {row.name: row.checksum for row in applied}
        for migration in self._known:
            if checksums.get(migration.name, migration.checksum) not in migration.checksums:
                raise _outdated(f"{migration.name} is not what was applied to {self._database.describe()}")


class EmbeddedSchema(PeeweeSchema):
    """The schema of a database that nobody administers: each check upgrades it first."""

    def check(self) -> None:
        self.upgrade()
        super().check()

    def check_fits(self) -> None:
        self.upgrade()
        super().check_fits()


def migrations(dialect: str) -> list[Migration]:
    """Read this release's migrations for `postgresql` or `sqlite`, in their order."""
    folder = files("oms_ddl") / dialect
    found = [
        Migration(name=file.name.removesuffix(".sql"), sql=file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.name)


def _applied_and_ready(session: Session) -> list[_Applied]:
    session.check_ready()
    return _applied(session)


def _applied(session: Session) -> list[_Applied]:
    if not session.table_exists("schema_migrations"):
        return []
    rows = session.execute_sql("SELECT name, checksum, needs FROM schema_migrations").fetchall()
    return [_Applied(name=name, checksum=checksum, needs=needs) for name, checksum, needs in rows]


def _outdated(detail: str) -> OmsError:
    return OmsError("schema_outdated", detail)
