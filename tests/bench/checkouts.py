"""The checkouts that a measurement compares: this one, and another one that was before it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected
from tests.services.wheels import ROOT

SKUS = 10_000
HOT = "SKU-000001"
STOCK = 1_000_000_000
SUMS = ("SELECT coalesce(sum(quantity), 0) FROM order_lines", "SELECT sum(reserved_delta) FROM stock_movements")


class BooksWrong(Exception):
    """Units, orders and the ledger disagree: what was measured is worth nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A checkout with its .venv (`make install`); `name` is empty for this one, and tells the others apart."""

    folder: Path
    name: str = ""

    @property
    def python(self) -> Path:
        """Where its interpreter is."""
        return self.folder / ".venv" / "bin" / "python"

    @property
    def program(self) -> Path:
        """Where its `oms` is."""
        return self.python.with_name("oms")

    def oms(self, *words: str, url: str) -> str:
        """Run `oms WORDS` on a database; what it prints. Raise CalledProcessError, after its messages."""
        command = [self.program, *words]
        settings = environment({"OMS_DATABASE_URL": url})
        return subprocess.run(command, env=settings, stdout=subprocess.PIPE, text=True, check=True).stdout

    def call(self, expression: str) -> Any:
        """Evaluate an expression that begins with a module of its tests.bench; what it gives, through JSON."""
        module = expression.partition("(")[0].rpartition(".")[0]
        source = f"import json, tests.bench.{module} as {module}\nprint(json.dumps({expression}))"
        command = [self.python, "-c", source]
        done = subprocess.run(
            command, cwd=self.folder, env=environment({}), stdout=subprocess.PIPE, text=True, check=True
        )
        return json.loads(done.stdout)

    def stock(self, url: str, units: Mapping[str, int]) -> None:
        """Make the schema, and count units of products."""
        self.oms("db", "upgrade", url=url)
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write("sku,quantity\n")
            file.writelines(f"{sku},{quantity}\n" for sku, quantity in units.items())
            file.flush()
            self.oms("inventory", "import", file.name, url=url)

    def check_books(self, url: str) -> int:
        """Audit what was written, and give the number of orders. Raise BooksWrong."""
        audited = json.loads(self.oms("audit", "-o", "json", url=url))
        if audited["discrepancies"]:
            raise BooksWrong(str(audited))
        if url.startswith("postgresql"):
            with connected(url) as connection, closing(connection.cursor()) as cursor:
                check_sums(cursor)
        return int(audited["orders"])

    @contextmanager
    def database(self, server: PostgresqlServer, units: Mapping[str, int] | None = None) -> Iterator[str]:
        """Give a new database with stock, by default more than anybody asks for; check its books at the end."""
        with server.database() as url:
            self.stock(url, units or {sku(number): STOCK for number in range(1, SKUS + 1)})
            yield url
            self.check_books(url)


HERE = Checkout(folder=ROOT)


def checkouts(before: Path | None) -> Sequence[Checkout]:
    """List what takes turns: this checkout, and the one before if there is one."""
    return [HERE] if before is None else [HERE, Checkout(folder=before.resolve(), name="before")]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Give the caller's environment with these OMS_* settings and none of the caller's own."""
    foreign = {"PYTHONPATH", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_") and name not in foreign}
    return kept | dict(settings)


def sku(number: int) -> str:
    """Name a product."""
    return f"SKU-{number:06}"


def check_sums(cursor: Any) -> None:
    """Raise BooksWrong when the units reserved are not those of the orders and of the ledger."""
    cursor.execute("SELECT sum(reserved) FROM stock_levels")
    (reserved,) = cursor.fetchone()
    for other in SUMS:
        cursor.execute(other)
        if cursor.fetchone() != (reserved,):
            raise BooksWrong(f"{reserved} reserved, but {other} differs")
