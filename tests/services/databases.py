"""Throwaway databases on a PostgreSQL server: made for one test, dropped after it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from psycopg2 import sql

from tests.services.postgresql import connected
from tests.services.run import Run

LEFTOVER_SECONDS = 24 * 3600
OF_A_RUN = re.compile(r"oms_test_(\d{10})_")  # The beginning of Run.prefix.


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlServer:
    """A server on which this run may create databases; `url` leads to one that is not ours to change."""

    url: str
    run: Run

    def url_of(self, database: str) -> str:
        """Give the URL of another database of this server."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """Create a database, empty or as a copy of `template`; give its URL; drop it, connections and all.

        Nobody may be connected to the template meanwhile.
        """
        name = self.run.unique_name()
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(create.format(sql.Identifier(name), sql.Identifier(template or "template0")))
        try:
            yield self.url_of(name)
        finally:
            self._drop(name)

    def drop_leftovers(self) -> list[str]:
        """Drop what crashed runs left more than a day ago, as far as it is ours; give the names."""
        with connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user")
            names = [name for (name,) in cursor.fetchall() if is_leftover(name, time.time())]
        for name in names:
            self._drop(name)
        return names

    def _drop(self, name: str) -> None:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(drop.format(sql.Identifier(name)))


def is_leftover(database: str, now: float) -> bool:
    """Say whether a database is one of a test run that began more than a day before `now` (Unix time)."""
    match = OF_A_RUN.match(database)
    return match is not None and now - int(match[1]) > LEFTOVER_SECONDS
