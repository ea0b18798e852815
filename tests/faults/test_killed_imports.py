"""An import that is killed goes on where its last committed batch ended, and no row is applied twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from oms_core import ImportStock, Oms, Settings
from tests.faults.killed_import import CLERK, COMMAND, file_of

SKUS = 2_000
KILLS = 3
BATCHES = 5


def killed_after_some_batches(url: str) -> int:
    """Run the import until it has said a few times how far it is, kill it, and give the last that it said."""
    command = [sys.executable, "-m", "tests.faults.killed_import", url, str(SKUS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(BATCHES)]
        process.kill()
    return said[-1]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_an_import_that_is_killed_again_and_again_ends_with_every_row_applied_once(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/oms.db" if database == "sqlite" else request.getfixturevalue("postgresql_url")
    with Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
        oms.imports.stock(ImportStock(), file_of(SKUS), caller=CLERK)
        said = [killed_after_some_batches(url) for _ in range(KILLS)]
        assert said == sorted(set(said)), "each run goes on after the one before it"
        assert said[-1] < SKUS, "none was killed too late"
        report = oms.imports.stock(COMMAND, file_of(SKUS), caller=CLERK)
        assert (report.rows, report.applied) == (SKUS, SKUS)
        assert {product.on_hand for product in oms.stock.export(caller=CLERK)} == {2}
        assert not oms.audit(caller=CLERK).discrepancies
