"""`oms orders set-status|cancel`: many orders, one outcome each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from oms_cli.commands import order_ids
from oms_cli.commands.order_names import OrderNames
from oms_core import Caller, OmsError, Order, OrderStatus
from oms_core.domain.orders.bulk_changes import ChangeOrderStatuses
from oms_core.use_cases.orders.orders import Orders
from tests.cli.conftest import Cli

UNKNOWN = "01980000-0000-7000-8000-000000000000"


@pytest.fixture
def orders(cli: Cli) -> list[str]:
    """Three pending orders."""
    cli.stock("WIDGET", 10)
    return [str(cli.place().id) for _ in range(3)]


def statuses(cli: Cli, ids: list[str]) -> list[str]:
    return [cli("orders", "show", order_id, "-o", "json").json["status"] for order_id in ids]


def test_every_order_has_its_outcome(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "set-status", "Shipped", *orders)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [f"{order_id} shipped" for order_id in orders]
    assert statuses(cli, orders) == ["shipped"] * 3


def test_ids_can_come_from_stdin(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "cancel", "-", given="\n".join(["", f"  {orders[0]}  ", orders[1], ""]))
    assert ran.out.splitlines() == [f"{order_id} cancelled" for order_id in orders[:2]]
    assert statuses(cli, orders) == ["cancelled", "cancelled", "pending"]


def test_windows_line_ends_on_stdin_are_fine(cli: Cli, orders: list[str]) -> None:
    assert cli("orders", "cancel", "-", given="\r\n".join(orders).encode()).code == 0


def test_a_byte_order_mark_before_the_first_id_is_passed_over_and_no_other(cli: Cli, orders: list[str]) -> None:
    given = "\n".join(f"\ufeff{order_id}" for order_id in orders[:2])
    assert cli("orders", "cancel", "-", given=given.encode()).code == 8
    assert statuses(cli, orders) == ["cancelled", "pending", "pending"]


def test_bytes_that_are_no_text_on_stdin_are_no_id(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "cancel", "-", given=b"\xff\x00\n" + b"x" * 3_000 + b"\n" + orders[0].encode())
    assert (ran.code, ran.out) == (8, f"{orders[0]} cancelled\n")
    assert len(ran.err.splitlines()) == 4  # The long line is read in three pieces.
    assert ran.err.replace("\n", "").isprintable()


def test_an_empty_stdin_moves_nothing(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "cancel", "-", given="")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert statuses(cli, orders) == ["pending"] * 3


def test_stdin_and_ids_together_are_a_usage_error(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "cancel", "-", orders[0], given=orders[1])
    assert ran.code == 2
    assert ran.err == "error: usage: - stands alone: ids come from stdin or from the command line\n"
    assert statuses(cli, orders) == ["pending"] * 3


def test_no_id_is_a_usage_error(cli: Cli) -> None:
    ran = cli("orders", "cancel")
    assert ran.code == 2
    assert "Missing argument 'ID...|-'" in ran.err


def test_partly_applied_is_8_and_says_which(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "cancel", orders[0], UNKNOWN, "4711")
    assert ran.code == 8
    assert ran.out == f"{orders[0]} cancelled\n"
    not_found, invalid = ran.err.splitlines()
    assert not_found.startswith(f"error: {UNKNOWN}: order_not_found: ")
    assert invalid == "error: 4711: validation_error: /order_id: '4711' is no order id, which is a UUID"


def test_when_all_fail_the_exit_code_is_the_worst_ones(cli: Cli, orders: list[str]) -> None:
    cli("orders", "set-status", "shipped", *orders)
    assert cli("orders", "cancel", orders[0]).code == 5
    assert cli("orders", "cancel", UNKNOWN).code == 4
    assert cli("orders", "cancel", "4711", UNKNOWN, orders[0]).code == 5
    assert cli("orders", "cancel", "4711", UNKNOWN).code == 4


def test_an_order_that_is_there_already_stays_as_it_is(cli: Cli, orders: list[str]) -> None:
    first = cli("orders", "cancel", orders[0], "-o", "json").json
    again = cli("orders", "cancel", orders[0], "-o", "json")
    assert (again.code, again.json) == (0, first)


def test_a_forbidden_move_names_the_status_and_the_moves_that_are_left(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "set-status", "delivered", orders[0])
    assert ran.code == 5
    assert "the order is pending and cannot become delivered; allowed: processing, shipped, cancelled" in ran.err


@pytest.mark.parametrize("status", ["lost", "", "pending,shipped"])
def test_a_status_that_is_none_is_a_usage_error(cli: Cli, orders: list[str], status: str) -> None:
    ran = cli("orders", "set-status", status, orders[0])
    assert (ran.code, ran.out) == (2, "")
    assert "is no status" in ran.err


@pytest.mark.parametrize("status", ["pending", "queued", "rejected", "failed"])
def test_a_status_that_only_the_system_reaches_is_refused(cli: Cli, orders: list[str], status: str) -> None:
    cli("orders", "set-status", "shipped", orders[0])
    assert cli("orders", "set-status", status, orders[0]).code == 5
    assert statuses(cli, orders) == ["shipped", "pending", "pending"]


def test_outcomes_as_json_are_an_array_and_errors_go_to_stderr_too(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "cancel", orders[0], UNKNOWN, "-o", "json")
    assert ran.code == 8
    moved, failed = ran.json
    assert moved == {"id": orders[0], "status": "cancelled", "version": 2}
    assert (failed["id"], failed["error"]["code"]) == (UNKNOWN, "order_not_found")
    assert json.loads(ran.err)["subject"] == UNKNOWN


def test_outcomes_as_csv_are_a_row_each(cli: Cli, orders: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("orders", "cancel", orders[0], UNKNOWN, "-o", "csv").out)))
    assert [(row["id"], row["status"], row["code"]) for row in rows] == [
        (orders[0], "cancelled", ""),
        (UNKNOWN, "", "order_not_found"),
    ]


def test_the_reason_and_the_actor_stand_in_the_history(cli: Cli, orders: list[str]) -> None:
    cli("orders", "set-status", "processing", orders[0], "--reason", "picked", "--actor", "ann")
    event = cli("orders", "events", orders[0], "-o", "json").json[-1]
    assert (event["data"]["reason"], event["actor"]) == ("picked", "ann")


def test_a_reason_that_is_too_long_is_refused(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "cancel", *orders, "--reason", "r" * 501)
    assert ran.code == 2
    assert statuses(cli, orders) == ["pending"] * 3


def test_many_are_moved_in_one_transaction(cli: Cli, orders: list[str]) -> None:
    before = level_version(cli)
    assert cli("orders", "cancel", "-", given="".join(f"{each}\n" for each in orders)).code == 0
    assert level_version(cli) == before + 1


def level_version(cli: Cli) -> int:
    (level,) = cli.oms.stock.get("WIDGET", caller=cli.caller).levels
    return level.version


def test_an_id_that_is_named_twice_has_its_outcome_twice(cli: Cli, orders: list[str]) -> None:
    ran = cli("orders", "cancel", orders[1], orders[0], orders[1], "-o", "json")
    assert ran.json == [{"id": orders[at], "status": "cancelled", "version": 2} for at in (1, 0, 1)]


def test_a_database_that_goes_away_in_the_middle_stops_the_rest(
    cli: Cli, orders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first order is moved and its batch is not finished; what comes after its batch is not tried."""
    calls: list[Sequence[UUID]] = []
    away = OmsError("storage_unavailable", "the database is away", retry_after_seconds=1)
    change_many = Orders.change_many

    def leave(parts: Orders, command: ChangeOrderStatuses, *, caller: Caller) -> Sequence[Order | OmsError]:
        calls.append(command.order_ids)
        first = replace(command, order_ids=command.order_ids[:1])
        return [*change_many(parts, first, caller=caller), *[away] * (len(command.order_ids) - 1)]

    monkeypatch.setattr(Orders, "change_many", leave)
    monkeypatch.setattr(order_ids, "TRANSACTION_ORDERS_MAX", 2)
    ran = cli("orders", "set-status", "shipped", *orders)
    assert ran.code == 8
    assert [list(map(str, call)) for call in calls] == [orders[:2]]
    assert ran.err.splitlines() == [
        f"error: {orders[1]}: storage_unavailable: the database is away",
        "stopped: the ids after these were not tried",
    ]
    assert statuses(cli, orders) == [OrderStatus.SHIPPED, OrderStatus.PENDING, OrderStatus.PENDING]


def test_a_database_that_is_away_is_asked_once(cli: Cli, orders: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def away(_: OrderNames, text: str) -> UUID:
        asked.append(text)
        raise OmsError("storage_unavailable", "the database is away", retry_after_seconds=1)

    monkeypatch.setattr(OrderNames, "order_id", away)
    ran = cli("orders", "cancel", "-", given="".join(f"{each}\n" for each in orders))
    assert (ran.code, asked) == (7, orders[:1])
    assert ran.err.count("storage_unavailable") == 3
