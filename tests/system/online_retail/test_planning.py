"""What the lines of the made file are taken for."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from tests.system.online_retail.planning import plan_steps
from tests.system.online_retail.reading import Line, read_files
from tests.system.online_retail.replay import order_of, share_out
from tests.system.online_retail.shelves import opening_units, product_names
from tests.system.online_retail.steps import Cancellation, Category, CustomerReturn, Find, Plan, Sale, Step, WriteOff

LINES = 58


@pytest.fixture
def plan(made_file: Path) -> Plan:
    return plan_steps(read_files([made_file]))


def steps_of(plan: Plan, invoice: str) -> list[Step]:
    return [step for step in plan.steps if step.invoice == invoice]


def sale(plan: Plan, invoice: str) -> Sale:
    (step,) = steps_of(plan, invoice)
    assert isinstance(step, Sale)
    return step


def test_every_line_is_in_exactly_one_category(plan: Plan) -> None:
    assert plan.lines_by_category() == {
        Category.ORDER_LINE: 17,
        Category.CANCELLED: 5,
        Category.RETURNED: 6,
        Category.WRITTEN_OFF: 4,
        Category.FOUND: 2,
        Category.NO_PRODUCT: 10,
        Category.NOT_UNDERSTOOD: 14,
    }
    assert plan.lines_read == LINES
    places = [line.place for step in plan.steps for line in step.lines]
    places += [line.place for line in plan.no_products]
    places += [line.place for line in plan.not_understood]
    assert sorted(places) == sorted(f"fixture.csv:{row}" for row in range(2, LINES + 2))


def test_an_invoice_keeps_its_lines_as_they_stand(plan: Plan) -> None:
    order = order_of(sale(plan, "600001"))
    assert [(line.sku, line.quantity, str(line.unit_price)) for line in order.lines] == [
        ("10123A", 6, "2.55"),
        ("10123A", 2, "2.1"),
        ("10124", 12, "1.0"),
        ("10124", 12, "1.0"),
    ]
    assert (order.customer_id, order.reference, order.idempotency_key) == ("10001", "600001", "600001")
    assert order.currency == "GBP"


def test_what_is_no_product_stays_with_its_order_as_charges(plan: Plan) -> None:
    assert order_of(sale(plan, "600019")).metadata == {
        "country": "United Kingdom",
        "invoiced_at": "2010-12-01 09:34:00",
        "charges": "55.10",
    }
    assert "charges" not in order_of(sale(plan, "600014")).metadata


def test_codes_that_differ_in_case_or_spaces_name_one_shelf(plan: Plan) -> None:
    assert [line.sku for line in sale(plan, "600002").lines] == ["10123A", "10123A", "10130BL"]


def test_an_invoice_without_customer_is_a_walk_ins(plan: Plan) -> None:
    assert order_of(sale(plan, "600002")).customer_id == "walk-in"


def test_a_price_of_4_decimals_stays_exact(plan: Plan) -> None:
    assert str(sale(plan, "600002").lines[2].unit_price) == "0.0325"


def test_a_line_at_price_0_beside_a_priced_one_or_with_a_customer_is_sold(plan: Plan) -> None:
    assert [line.unit_price for line in sale(plan, "600013").lines] == [0, 0]
    assert sale(plan, "600014").lines[0].unit_price == 0


def test_lines_at_price_0_that_name_nobody_correct_the_stock(plan: Plan) -> None:
    corrections = {
        step.invoice: (type(step), step.lines[0].quantity, step.lines[0].description)
        for step in plan.steps
        if isinstance(step, WriteOff | Find)
    }
    assert corrections == {
        "600008": (Find, 30, ""),
        "600009": (Find, 2, "amazon"),
        "600010": (WriteOff, -5, "damages"),
        "600011": (WriteOff, -7, "?"),
        "600012": (WriteOff, -1, ""),
        "600038": (WriteOff, -2, "counted twice"),
    }


def test_a_cancellation_cancels_the_latest_equal_order_of_its_customer_once(plan: Plan) -> None:
    cancelled = {step.invoice: step.sale for step in plan.steps if isinstance(step, Cancellation)}
    assert cancelled == {"C600007": "600005", "C600022": "600021", "C600037": "600036"}


@pytest.mark.parametrize(
    "cancellation",
    [
        pytest.param("C600003", id="it comes before the equal order"),
        pytest.param("C600006", id="the equal order is somebody else's"),
        pytest.param("C600020", id="nobody is named"),
        pytest.param("C600023", id="the equal order is cancelled already"),
    ],
)
def test_a_cancellation_that_matches_no_order_is_a_return_of_each_line(plan: Plan, cancellation: str) -> None:
    steps = steps_of(plan, cancellation)
    assert steps
    assert all(isinstance(step, CustomerReturn) for step in steps)
    assert [step.line_no for step in steps if isinstance(step, CustomerReturn)] == list(range(1, len(steps) + 1))


def test_codes_that_are_no_goods_are_no_products(plan: Plan) -> None:
    assert Counter(line.code for line in plan.no_products) == Counter(
        ["POST", "POST", "DOT", "M", "m", "D", "C2", "BANK CHARGES", "AMAZONFEE", "gift_0001_20"]
    )


def test_what_is_not_understood_is_told_with_its_reason(plan: Plan) -> None:
    reasons = {(entry.invoice, entry.reason.partition(",")[0]) for entry in plan.not_understood}
    amount = "must be a decimal string such as '12.50'"
    assert reasons == {
        ("600024", "a negative quantity that is neither cancelled nor written off"),
        ("A600025", "neither an invoice's number nor a cancellation's"),
        ("600026", "Quantity 'six' is not a whole number"),
        ("600026", "another line of the invoice cannot be read"),
        ("600027", f"UnitPrice '-11062.06' {amount}"),
        ("600028", f"UnitPrice '2.95001' {amount}"),
        ("C600029", "a cancellation with a positive quantity"),
        ("600030", "Quantity is 0"),
        ("600031", "7 columns"),
        ("600032", "the lines of the invoice name different customers"),
        ("", "InvoiceNo is missing"),
        ("600033", "StockCode '' must have 1 to 64 characters"),
        ("600035", "StockCode '10170/9' must not contain '/' nor be '.' or '..'"),
    }


def test_the_opening_stock_covers_what_is_sold_and_written_off(plan: Plan) -> None:
    units = opening_units(plan.steps, percent_of_sold=100)
    assert units["10123A"] == 6 + 2 + 1 + 3 + 2 + 5
    assert units["10133"] == 7
    assert units["10131"] == 0
    assert opening_units(plan.steps, percent_of_sold=50)["10123A"] == 7 + 5


def test_a_product_is_named_by_its_invoices_not_by_remarks(plan: Plan) -> None:
    names = product_names(plan.steps)
    assert names["10123A"] == "PAPER LANTERN RED"
    assert names["10124"] == "TIN TRAY, ROUND, £1 RANGE"
    assert "10133" not in names


@pytest.mark.parametrize("clients", [1, 2, 7])
def test_all_of_a_customers_steps_stay_with_one_client_in_order(plan: Plan, clients: int) -> None:
    shares = share_out(plan.steps, clients)
    assert len(shares) == clients
    assert Counter(step.invoice for share in shares for step in share) == Counter(step.invoice for step in plan.steps)
    for share in shares:
        positions = [plan.steps.index(step) for step in share]
        assert positions == sorted(positions)
    customers = [{step.lines[0].customer_id for step in share} - {None} for share in shares]
    assert sum(map(len, customers)) == len(set().union(*customers))


def test_a_bom_crlf_and_compression_make_no_difference(made_file: Path, tmp_path: Path) -> None:
    rewritten = tmp_path / "fixture.csv.gz"
    content = made_file.read_bytes().replace(b'\ntwice"', b' twice"').replace(b"\n", b"\r\n")
    rewritten.write_bytes(gzip.compress(b"\xef\xbb\xbf" + content, mtime=0))
    read, expected = (
        [entry.invoice if not isinstance(entry, Line) else entry.description for entry in read_files([path])]
        for path in (rewritten, made_file)
    )
    assert read == expected


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("Invoice,Code\n1,2\n")
    with pytest.raises(ValueError, match=r"other\.csv: the columns must be InvoiceNo, StockCode"):
        read_files([path])
