"""What a shop has on record, as the drills read it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.programs import Program
from tests.services.postgresql import connected
from tests.system.drills.buyers import SKU, UNITS

_IDS = "SELECT CAST(id AS text) FROM orders"
_NOT_AGREED = 5


def open_shop(program: Program) -> None:
    """Make the schema, and stock for everybody."""
    for command in (("db", "upgrade"), ("inventory", "set", SKU, str(UNITS))):
        ran = program.run(*command)
        assert ran.returncode == 0, ran.stderr


def books_agree(program: Program) -> bool:
    """Whether `oms audit` says so."""
    audit = program.run("audit")
    assert audit.returncode in {0, _NOT_AGREED}, audit.stderr
    return audit.returncode == 0


def orders_in(url: str) -> set[str]:
    """The ids of all orders in a PostgreSQL database."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(_IDS)
        return {order_id for (order_id,) in cursor}


def orders_in_file(path: Path) -> set[str]:
    """The ids of all orders in a SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        return {order_id for (order_id,) in connection.execute(_IDS)}
