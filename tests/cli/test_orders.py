"""`oms orders list|show|events`: finding orders."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest

from oms_core import ChangeOrderStatus, OrderLine, OrderStatus
from tests.cli.conftest import Cli


def listed(cli: Cli, *options: str) -> list[str]:
    ran = cli("orders", "list", "-o", "json", *options)
    assert ran.code == 0, ran.err
    return [order["id"] for order in ran.json]


def test_list_gives_the_newest_first(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    orders = [str(cli.place().id) for _ in range(3)]
    assert listed(cli) == orders[::-1]


def test_list_can_be_narrowed_by_everything_an_order_has(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    cli.stock("GADGET", 10)
    plain = str(cli.place().id)
    other = str(cli.place(OrderLine(sku="GADGET", quantity=1), customer_id="C2", reference="R2").id)
    assert listed(cli, "--customer", "C2") == [other]
    assert listed(cli, "--sku", "WIDGET") == [plain]
    assert listed(cli, "--reference", "R2") == [other]
    assert listed(cli, "--customer", "C2", "--sku", "WIDGET") == []


def test_list_takes_several_statuses_in_any_case(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    pending, shipped, cancelled = (cli.place() for _ in range(3))
    cli.oms.orders.change_status(ChangeOrderStatus(order_id=shipped.id, status=OrderStatus.SHIPPED), caller=cli.caller)
    cli.oms.orders.cancel(cancelled.id, caller=cli.caller)
    assert listed(cli, "--status", "Pending,SHIPPED") == [str(shipped.id), str(pending.id)]
    assert listed(cli, "--status", "pending", "--status", "cancelled") == [str(cancelled.id), str(pending.id)]


def test_an_unknown_status_is_a_usage_error_that_names_the_known_ones(cli: Cli) -> None:
    ran = cli("orders", "list", "--status", "pending,lost")
    assert (ran.code, ran.out) == (2, "")
    assert "'lost' is no status; there are queued, held, pending, processing" in ran.err


def test_list_can_be_bounded_by_time(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    order = cli.place()
    before, after = order.created_at - timedelta(seconds=1), order.created_at + timedelta(seconds=1)
    assert listed(cli, "--created-from", before.isoformat(), "--created-to", after.isoformat()) == [str(order.id)]
    assert listed(cli, "--created-to", before.isoformat()) == []
    assert listed(cli, "--created-from", after.strftime("%Y-%m-%d %H:%M:%S.%f")) == []
    assert listed(cli, "--created-from", "2020-01-01") == [str(order.id)]


def test_older_than_counts_back_from_now(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    order = cli.place()
    for age in ("2h", "1h59m", "90m", "3600s", "0s"):
        assert listed(cli, "--older-than", age) == [str(order.id)]
    for age in ("4h", "1d", "2w", "3h30m"):
        assert listed(cli, "--older-than", age) == []
    assert listed(cli, "--older-than", "2h", "--created-to", "2020-01-01") == []


@pytest.mark.parametrize("age", ["2", "h", "2x", "-2h", "2h30", "", "1.5h", "9999999h"])
def test_an_age_that_is_none_is_a_usage_error(cli: Cli, age: str) -> None:
    ran = cli("orders", "list", "--older-than", age)
    assert (ran.code, ran.out) == (2, "")
    assert "is no duration such as 30m, 2h, 1h30m or 7d" in ran.err


def test_an_age_before_all_time_is_a_usage_error(cli: Cli) -> None:
    ran = cli("orders", "list", "--older-than", "999999w")
    assert (ran.code, ran.err) == (2, "error: usage: --older-than 999999w is before the year 1\n")


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01", "22.11.2026", "", "0001-01-01T00:00+05:00"])
def test_a_time_that_is_none_is_a_usage_error(cli: Cli, time: str) -> None:
    ran = cli("orders", "list", "--created-from", time)
    assert (ran.code, ran.out) == (2, "")
    assert "is no time such as 2026-11-22" in ran.err


def test_ids_alone_can_be_listed_for_the_next_command(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    orders = [str(cli.place().id) for _ in range(2)]
    assert cli("orders", "list", "--ids").out.splitlines() == orders[::-1]
    ran = cli("orders", "list", "--ids", "-o", "csv")
    assert (ran.code, ran.err) == (2, "error: usage: --ids writes plain lines: leave out -o\n")


def test_a_list_of_no_orders_says_so(cli: Cli) -> None:
    ran = cli("orders", "list")
    assert (ran.code, ran.out, ran.err) == (0, "", "no orders\n")


def test_a_list_off_a_terminal_has_a_whole_row_per_order(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    order = cli.place(
        OrderLine(sku="WIDGET", quantity=2, unit_price=Decimal("12.5")), customer_id="c" * 128, reference="r" * 128
    )
    titles, row = cli("orders", "list", COLUMNS="40").out.splitlines()
    assert titles.split()[:3] == ["ID", "STATUS", "CUSTOMER"]
    assert row.split() == [
        str(order.id), "pending", "c" * 128, "25.00", "EUR", *f"{order.created_at:%Y-%m-%d %H:%M:%S}".split(),
        "r" * 128, "1",
    ]  # fmt: skip


def test_show_gives_the_order_and_its_lines(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    order = cli.place(OrderLine(sku="WIDGET", quantity=2, unit_price=Decimal("12.5")), metadata={"channel": "web"})
    ran = cli("orders", "show", str(order.id))
    assert f"id           {order.id}\n" in ran.out
    assert "total        25.00 EUR\n" in ran.out
    assert "metadata     channel=web\n" in ran.out
    assert ran.out.splitlines()[-1].split() == ["1", "WIDGET", "2", "12.50", "main:", "2", "reserved"]


def test_show_as_json_is_the_document_of_the_service(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    order = cli.place()
    document = cli("orders", "show", str(order.id), "-o", "json").json
    allocations = [{"location": "main", "reserved": 1, "shipped": 0, "returned": 0}]
    line = {"line_no": 1, "sku": "WIDGET", "quantity": 1, "unit_price": None, "allocations": allocations}
    assert document["lines"] == [line]
    assert document["total"] is None


def test_show_as_csv_has_a_row_per_line(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    order = cli.place(OrderLine(sku="WIDGET", quantity=2), OrderLine(sku="WIDGET", quantity=1))
    rows = list(csv.DictReader(io.StringIO(cli("orders", "show", str(order.id), "-o", "csv").out)))
    assert [(row["order_id"], row["line_no"], row["quantity"]) for row in rows] == [
        (str(order.id), "1", "2"),
        (str(order.id), "2", "1"),
    ]


def test_an_unknown_order_is_not_found(cli: Cli) -> None:
    for command in ("show", "events"):
        ran = cli("orders", command, "01980000-0000-7000-8000-000000000000")
        assert (ran.code, ran.out) == (4, "")
        assert ran.err.startswith("error: order_not_found: ")


def test_an_id_that_is_none_is_invalid(cli: Cli) -> None:
    for command in ("show", "events"):
        ran = cli("orders", command, "4711\x1b[31m")
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == ("error: validation_error: /order_id: '4711\\x1b[31m' is no order id, which is a UUID\n")


def test_events_are_the_history_oldest_first(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    order = cli.place()
    cli("orders", "cancel", str(order.id), "--reason", "changed my mind", "--actor", "ann")
    rows = list(csv.DictReader(io.StringIO(cli("orders", "events", str(order.id), "-o", "csv").out)))
    assert [(row["type"], row["from"], row["to"], row["reason"], row["actor"]) for row in rows] == [
        ("order.placed", "", "pending", "", "tester"),
        ("order.cancelled", "pending", "cancelled", "changed my mind", "ann"),
    ]
    assert len(cli("orders", "events", str(order.id)).out.splitlines()) == 3
    first = json.loads(cli("orders", "events", str(order.id), "-o", "jsonl", "--limit", "1").out)
    assert first["order_id"] == str(order.id)


def test_show_tells_where_each_line_is_served_from(cli: Cli) -> None:
    cli.stock("WIDGET", 2)
    cli.stock("WIDGET", 5, location="north")
    order = cli.place(OrderLine(sku="WIDGET", quantity=3))
    (row,) = csv.DictReader(io.StringIO(cli("orders", "show", str(order.id), "-o", "csv").out))
    assert row["served_from"] == "main: 2 reserved, north: 1 reserved"
    (line,) = cli("orders", "show", str(order.id), "-o", "json").json["lines"]
    assert line["allocations"][1] == {"location": "north", "reserved": 1, "shipped": 0, "returned": 0}
    for status in ("shipped", "returned"):
        cli("orders", "set-status", status, str(order.id))
    assert "main: 2 shipped 2 returned" in cli("orders", "show", str(order.id), "-o", "csv").out


def test_open_orders_are_listed_by_the_location_that_serves_them(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    cli.stock("WIDGET", 5, location="north")
    main, north = (str(cli.place(OrderLine(sku="WIDGET", quantity=1)).id) for _ in range(2))
    assert (listed(cli, "--location", "north"), listed(cli, "--location", "main")) == ([north], [main])
    assert cli("orders", "list", "--location", "").code == 2
