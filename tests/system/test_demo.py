"""`make demo`, small: it sells what there is, answers everybody, and would notice a broken promise."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from oms_core import AuditReport, Oms, Product, Settings, StockLevel
from oms_core.domain.stock.balances import Discrepancy
from tests.bench.crowd import NEVER_PAID, NO_ANSWER, SOLD, Bought, Sale
from tests.bench.demo_drop import Drop, Rush
from tests.bench.demo_verdict import Verdict
from tests.services.wheels import ROOT

UNITS = 3
# Of its buyers 0 to 29 every third never pays.
SMALL_DROP = ("--drop-units", "9", "--drop-buyers", "30")


def run_demo(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench.demo", *SMALL_DROP, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def sale_of(shown: str) -> str:
    """Give what is shown of the first act."""
    end = "all agree\n"
    return shown[: shown.index(end) + len(end)]


def rows(shown: str) -> dict[str, str]:
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in shown.splitlines() if "│" in line]
    return {name: figure for name, figure in cells if name}


def test_more_buyers_than_units_get_exactly_the_units() -> None:
    done = run_demo("--units", "5", "--buyers", "60", "--connections", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = rows(sale_of(done.stdout))
    assert (shown["sold"], shown["refused: insufficient_inventory"], shown["oversold"]) == ("5", "55", "0")
    assert shown["without an answer"] == "0"
    assert "on hand 5, reserved 5, available 0" in done.stdout
    assert "audit: stock levels (1) and orders (5) against the ledger: all agree" in done.stdout


def test_more_buyers_at_once_than_the_service_takes_all_get_an_answer() -> None:
    done = run_demo("--units", "10", "--buyers", "400", "--connections", "400")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(sale_of(done.stdout))["sold"] == "10"
    assert rows(sale_of(done.stdout))["refused: insufficient_inventory"] == "390"


def test_what_a_third_of_a_drop_never_pays_for_is_sold_to_those_who_come_again() -> None:
    done = run_demo("--units", "1", "--buyers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = rows(done.stdout.removeprefix(sale_of(done.stdout)))
    assert (shown["sold"], shown["oversold"]) == ("9", "0")
    assert int(shown["held and paid"]) + int(shown["came again, held and paid"]) == 9
    assert shown["holds that fell"] == shown["held and never paid"] != "0"
    assert "on hand 9, reserved 9, available 0" in done.stdout


def test_it_runs_on_a_database_of_ones_own_and_twice(postgresql_url: str) -> None:
    with Oms.open(Settings(database_url=postgresql_url)) as oms:
        oms.schema.upgrade()
    for _ in range(2):
        done = run_demo("--units", "5", "--buyers", "60", "--connections", "20", "--database-url", postgresql_url)
        assert done.returncode == 0, done.stdout + done.stderr
        assert rows(done.stdout)["sold"] == "9"  # The drop's, which is shown last.
        assert done.stdout.count("against the ledger: all agree") == 2


def test_a_database_that_is_away_is_said_without_a_traceback() -> None:
    done = run_demo("--database-url", "postgresql://nobody@127.0.0.1:1/oms")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not done.stdout


def sold_to(*outcomes: str) -> Sale:
    bought = [
        Bought(buyer=number, outcome=outcome, answered_at=0.01, seconds=0.01, told_to_come_back=0, connections_lost=0)
        for number, outcome in enumerate(outcomes)
    ]
    return Sale(seconds=1.0, bought=bought)


def kept_promise() -> Verdict:
    level = StockLevel(location="main", on_hand=UNITS, reserved=UNITS, version=2)
    product = Product(
        sku="HOT", name="", low_stock_threshold=None, levels=(level,), updated_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    audit = AuditReport(levels=1, orders=UNITS, discrepancies=())
    return Verdict(
        units=UNITS,
        connections=2,
        sale=sold_to(*[SOLD] * UNITS, "insufficient_inventory"),
        product=product,
        audit=audit,
    )


def with_outcome(verdict: Verdict, outcome: str, *, instead_of: str) -> Verdict:
    bought = [
        replace(entry, outcome=outcome) if entry.outcome == instead_of else entry for entry in verdict.sale.bought
    ]
    return replace(verdict, sale=replace(verdict.sale, bought=bought))


def test_a_kept_promise_has_no_faults() -> None:
    assert not kept_promise().faults()


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        pytest.param(
            with_outcome(kept_promise(), SOLD, instead_of="insufficient_inventory"),
            "1 units were sold that were not there",
            id="one buyer too many was told that he got a unit",
        ),
        pytest.param(
            replace(kept_promise(), units=UNITS - 1), "1 units were sold that were not there", id="a unit too many"
        ),
        pytest.param(
            with_outcome(kept_promise(), NO_ANSWER, instead_of="insufficient_inventory"),
            "1 buyers got no answer",
            id="a buyer is left alone",
        ),
        pytest.param(
            replace(kept_promise(), units=UNITS + 1),
            "units are left although buyers were refused",
            id="a buyer was refused for nothing",
        ),
        pytest.param(
            replace(
                kept_promise(),
                audit=AuditReport(levels=1, orders=1, discrepancies=(Discrepancy(subject="HOT main", detail="wrong"),)),
            ),
            "the audit: HOT main: wrong",
            id="the books disagree",
        ),
    ],
)
def test_a_broken_promise_is_noticed(broken: Verdict, fault: str) -> None:
    assert fault in broken.faults()


def kept_drop() -> Drop:
    """A drop of three units: one buyer pays, two never do, and two of those who were refused come again."""
    sale = kept_promise()
    first = sold_to(SOLD, NEVER_PAID, NEVER_PAID, "insufficient_inventory", "insufficient_inventory")
    return Drop(
        units=UNITS,
        rush=Rush(first=first, second=sold_to(SOLD, SOLD)),
        fallen=2,
        product=sale.product,
        audit=sale.audit,
    )


def with_second(drop: Drop, *outcomes: str) -> Drop:
    return replace(drop, rush=replace(drop.rush, second=sold_to(*outcomes)))


def test_a_kept_drop_has_no_faults() -> None:
    assert not kept_drop().faults()


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        pytest.param(
            with_second(kept_drop(), SOLD, SOLD, SOLD), "1 units were sold that were not there", id="a unit too many"
        ),
        pytest.param(
            with_second(kept_drop(), SOLD, "unknown"), "2 have paid for a unit, 3 are reserved", id="paid in vain"
        ),
        pytest.param(replace(kept_drop(), fallen=1), "2 never paid, and 1 holds fell", id="a hold stays"),
        pytest.param(with_second(kept_drop(), SOLD, NO_ANSWER), "1 buyers got no answer", id="a buyer is left alone"),
        pytest.param(
            with_second(kept_drop(), SOLD, "insufficient_inventory"),
            "units are left although buyers were refused",
            id="what fell is not sold",
        ),
        pytest.param(
            replace(
                kept_drop(),
                audit=AuditReport(levels=1, orders=1, discrepancies=(Discrepancy(subject="HOT main", detail="wrong"),)),
            ),
            "the audit: HOT main: wrong",
            id="the books disagree",
        ),
    ],
)
def test_a_broken_drop_is_noticed(broken: Drop, fault: str) -> None:
    assert fault in broken.faults()
