"""Throwaway cells on a Citus cluster: a schema for one test, which Citus puts on one of its nodes.

No package index has Citus, so nothing here starts one: `OMS_TEST_CITUS_URL` names the coordinator of one that runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from psycopg2 import sql

from tests.services.postgresql import connected
from tests.services.run import Run

VARIABLE = "OMS_TEST_CITUS_URL"
# A large cell moves while a test of another one makes its own: Citus lets one of them wait.
_ON_THE_DATABASE = "SET citus.enable_schema_based_sharding = on; SET lock_timeout = '60s'"


@dataclass(frozen=True, slots=True, kw_only=True)
class CitusCluster:
    """A cluster on which this run may create schemas; `url` leads to its coordinator."""

    url: str
    run: Run

    @contextmanager
    def database(self) -> Iterator[str]:
        """Create a cell, a schema on one node; give the URL that works in it; drop it."""
        name = self.run.unique_name()
        self._do("CREATE SCHEMA {}", name)
        try:
            yield self.url_of(name)
        finally:
            self._do("DROP SCHEMA {} CASCADE", name)

    def url_of(self, schema: str) -> str:
        """Give the URL that works in a schema."""
        joint = "&" if "?" in self.url else "?"
        return f"{self.url}{joint}options=-csearch_path%3D{schema}"

    def _do(self, command: str, schema: str) -> None:
        with connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(_ON_THE_DATABASE)
            cursor.execute("SET client_min_messages = warning")
            cursor.execute(sql.SQL(command).format(sql.Identifier(schema)))


def citus_url() -> str:
    """Give the URL of the coordinator; skip the test where none is named, with CI=true too: no index has Citus."""
    url = os.environ.get(VARIABLE)
    if not url:
        pytest.skip(f"NOT TESTED WITH CITUS: {VARIABLE} names no coordinator, and no package index has Citus")
    return url
