"""What a terminal that is too narrow for a table leaves out, and what it never does."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from oms_cli.terminal.column_widths import fit_columns
from oms_cli.terminal.view import Column
from oms_core import ALL_SCOPES, AdjustStock, Caller, Oms, OrderLine, PlaceOrder, SetStock, Settings
from tests.cli.programs import Program

NAME = "A product with a fairly long name, 漢字 and so on"
REASON = "damaged in transport, see the photo"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program on a database in which texts are long."""
    folder = tmp_path_factory.mktemp("shop")
    url = f"sqlite:///{folder}/oms.db"
    caller = Caller(name="tester", scopes=ALL_SCOPES)
    with Oms.open(Settings(database_url=url)) as oms:
        for number in range(3):
            oms.stock.set(SetStock(sku=f"DOSE-{number}", on_hand=1_000, name=NAME), caller=caller)
        oms.stock.adjust(AdjustStock(sku="DOSE-1", delta=-1, reason=REASON), caller=caller)
        oms.orders.place(PlaceOrder(customer_id="C1", lines=[OrderLine(sku="DOSE-1", quantity=1)]), caller=caller)
    return Program(folder=folder, database_url=url, variables={"NO_COLOR": "1"})


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize(
    ("command", "rows"),
    [
        (("inventory", "list"), 3),
        (("inventory", "movements", "DOSE-1"), 3),
        (("orders", "list"), 1),
    ],
)
def test_a_row_is_one_line_with_its_time(shop: Program, command: tuple[str, ...], rows: int, columns: int) -> None:
    seen = shop.see(*command, columns=columns)
    heading = next(number for number, line in enumerate(seen.text.splitlines()) if TIME.search(line))
    table = [line for line in seen.text.splitlines()[heading:] if "shortened" not in line and "too narrow" not in line]
    assert len(table) == rows
    assert all(TIME.search(line) for line in table)


def test_where_rows_must_fold_a_time_does_not() -> None:
    moment = datetime(2026, 11, 29, tzinfo=UTC)
    columns: list[Column[None]] = [
        Column(name="at", value=lambda _: moment),
        Column(name="scopes", value=lambda _: "some of many words"),
    ]
    shown, left_out = fit_columns(columns, [None], 30)
    assert ([fitted.width for fitted in shown], left_out) == ([19, 9], [])
    assert fit_columns(columns, [None], 20) == ([], [])


def test_what_is_cut_short_is_marked_and_told(shop: Program) -> None:
    narrow = shop.see("inventory", "list", columns=80).text
    assert NAME not in narrow
    assert len(re.findall(r"DOSE-\d  A prod.*…", narrow)) == 3
    assert "texts that end in … are shortened; -o json shows them whole\n" in narrow
    wide = shop.see("inventory", "list", columns=140).text
    assert wide.count(NAME) == 3
    assert "…" not in wide


def test_names_and_reasons_are_whole_off_a_terminal(shop: Program) -> None:
    assert shop.under(COLUMNS="40").run("inventory", "list").stdout.count(NAME) == 3
    assert REASON in shop.under(COLUMNS="40").run("inventory", "movements", "DOSE-1").stdout
