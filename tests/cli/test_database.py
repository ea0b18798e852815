"""`oms db` and `oms audit`."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass

import pytest

from oms_core import OmsError, OrderLine
from oms_core.domain.cells import Cell
from oms_core.domain.stock.balances import Discrepancy
from oms_core.ports.schema_storage import SchemaStatus
from oms_core.use_cases.audit import AuditReport
from tests.cli.conftest import Cli


@dataclass
class OldSchema:
    """A schema that lacks one migration, and has one that this release does not know."""

    upgraded: bool = False

    def status(self) -> SchemaStatus:
        new = ("0002_new",)
        return SchemaStatus(
            applied=("0001_first", *(new if self.upgraded else ())),
            pending=() if self.upgraded else new,
            unknown=("0003_newer",),
        )

    def upgrade(self) -> tuple[str, ...]:
        before, self.upgraded = self.upgraded, True
        return () if before else ("0002_new",)

    def cells(self) -> tuple[Cell, ...]:
        other = Cell(name="berlin", node="10.0.0.2:5432", size_bytes=8_192, orders=0, is_own=False)
        return other, Cell(name="paris", node="10.0.0.3:5432", size_bytes=2_500_000, orders=1_000, is_own=True)

    def check(self) -> None:
        if not self.upgraded:
            raise OmsError("schema_outdated", "the database lacks 0002_new: run `oms db upgrade`")


def test_a_database_that_is_not_distributed_has_no_cells(cli: Cli) -> None:
    ran = cli("db", "cells")
    assert (ran.code, ran.err) == (0, "no cells: the database is not distributed\n")
    assert cli("db", "cells", "-o", "json").json == []


@pytest.fixture
def old(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line over a database with an old schema."""
    monkeypatch.setattr(cli.oms._ports.storage, "schema", OldSchema())
    return cli


def test_an_upgrade_names_what_it_applied(old: Cli) -> None:
    assert old("db", "upgrade").out == "applied 0002_new\nupgraded: memory of this process\n"
    assert old("db", "upgrade").out == "up to date: memory of this process\n"


def test_an_upgrade_as_json_lists_what_it_applied(old: Cli) -> None:
    assert old("db", "upgrade", "-o", "json").json == [{"migration": "0002_new", "state": "applied"}]
    assert old("db", "upgrade", "-o", "json").json == []


def test_the_status_lists_migrations_and_fails_while_one_is_pending(old: Cli) -> None:
    ran = old("db", "status")
    assert ran.code == 7
    assert ran.err == "error: schema_outdated: the database lacks 0002_new: run `oms db upgrade`\n"
    assert [line.split() for line in ran.out.splitlines()[2:]] == [
        ["0001_first", "applied"],
        ["0002_new", "pending"],
        ["0003_newer", "unknown"],
    ]
    old("db", "upgrade")
    ran = old("db", "status", "-o", "csv")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "migration,state\n0001_first,applied\n0002_new,applied\n0003_newer,unknown\n"


def test_an_audit_that_finds_nothing_says_what_it_compared(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    cli.place(OrderLine(sku="WIDGET", quantity=4))
    ran = cli("audit")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "compared 1 stock level and 1 order: all agree with the ledger\n"
    assert cli("audit", "-o", "json").json == {"levels": 1, "orders": 1, "discrepancies": []}
    assert cli("audit", "-o", "csv").out == "subject,detail\n"


@pytest.fixture
def wrong(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line over books that do not agree."""
    found = (Discrepancy(subject="WIDGET main", detail="on_hand 10, reserved 4; the ledger sums to 10 and 3"),)
    report = AuditReport(levels=2, orders=1, discrepancies=found)
    monkeypatch.setattr(cli.oms, "audit", lambda **_: report)
    return cli


def test_an_audit_that_finds_something_lists_it_and_exits_5(wrong: Cli) -> None:
    ran = wrong("audit")
    assert ran.code == 5
    assert ran.err == "error: compared 2 stock levels and 1 order: 1 do not agree\n"
    assert "WIDGET main  on_hand 10, reserved 4; the ledger sums to 10 and 3" in ran.out


def test_an_audit_that_finds_something_tells_programs(wrong: Cli) -> None:
    ran = wrong("audit", "-o", "json")
    assert (ran.code, ran.json["discrepancies"][0]["subject"]) == (5, "WIDGET main")
    (row,) = csv.DictReader(io.StringIO(wrong("audit", "-o", "csv").out))
    assert row["subject"] == "WIDGET main"
    assert json.loads(wrong("audit", "-o", "jsonl").out)["levels"] == 2


def test_cells_are_listed_with_their_nodes_and_the_one_that_is_worked_in(old: Cli) -> None:
    assert [line.split() for line in old("db", "cells").out.splitlines()[2:]] == [
        ["berlin", "10.0.0.2:5432", "8192", "0"],
        ["paris", "10.0.0.3:5432", "2500000", "1000", "this", "one"],
    ]
    shown = {"cell": "paris", "node": "10.0.0.3:5432", "size_bytes": 2_500_000, "orders_estimate": 1_000, "own": True}
    assert old("db", "cells", "-o", "json").json[1] == shown
