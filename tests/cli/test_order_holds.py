"""`oms orders place --hold`, `confirm`, `extend` and `expire`: stock that is held for a while."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.orders.order_changes import HoldEnd, OrderChange
from oms_core.domain.orders.statuses import OrderStatus
from tests.cli.conftest import Cli

PLACE = ("orders", "place", "--customer", "C1", "--line", "WIDGET:1@2")
CLERK = Caller(name="clerk", scopes=ALL_SCOPES)


@pytest.fixture(autouse=True)
def stocked(cli: Cli) -> None:
    """There are ten widgets."""
    assert cli("inventory", "set", "WIDGET", "10").code == 0


def held(cli: Cli, hold: str = "15m") -> str:
    ran = cli(*PLACE, "--hold", hold, "-o", "json")
    assert (ran.code, ran.json["status"]) == (0, "held")
    return str(ran.json["id"])


def let_run_out(cli: Cli, order_id: str) -> None:
    """Let a hold have ended a minute ago."""
    storage = cli.oms._ports.storage
    end = HoldEnd(until=storage.holds.clock() - timedelta(seconds=60), extensions=0)
    change = OrderChange(status=OrderStatus.HELD, movements=(), hold=end)
    now = cli.oms._ports.clock.now()
    storage.orders.change(UUID(order_id), owner=None, caller=CLERK, now=now, decide=lambda *_: change)


def show(cli: Cli, order_id: str) -> dict[str, object]:
    shown: dict[str, object] = cli("orders", "show", order_id, "-o", "json").json
    return shown


@pytest.mark.parametrize(("given", "seconds"), [("90s", 90), ("15m", 900), ("1h30m", 5_400)])
def test_an_order_is_held_as_long_as_it_says(cli: Cli, given: str, seconds: int) -> None:
    order = show(cli, held(cli, given))
    assert (order["hold_seconds"], order["status"]) == (seconds, "held")
    assert "hold until" in cli("orders", "show", str(order["id"])).out


def test_no_hold_is_zero_and_nonsense_is_a_usage_error(cli: Cli) -> None:
    assert cli(*PLACE, "--hold", "0", "-o", "json").json["status"] == "pending"
    ran = cli(*PLACE, "--hold", "soon")
    assert (ran.code, "'soon' is no duration" in ran.err) == (2, True)
    assert cli(*PLACE, "--hold", "2d").code == 2


def test_held_orders_are_confirmed_each_with_its_outcome(cli: Cli) -> None:
    first, second = held(cli), held(cli)
    ran = cli("orders", "confirm", first, second)
    assert (ran.code, ran.out) == (0, f"{first} pending\n{second} pending\n")
    assert cli("orders", "confirm", first).code == 0


def test_a_payment_is_for_one_order(cli: Cli) -> None:
    first, second = held(cli), held(cli)
    assert cli("orders", "confirm", first, "--payment-reference", "pay-1").code == 0
    assert show(cli, first)["payment_reference"] == "pay-1"
    ran = cli("orders", "confirm", second, "--payment-reference", "pay-1")
    assert (ran.code != 0, "payment_reference_in_use" in ran.err) == (True, True)
    assert cli("orders", "confirm", first, second, "--payment-reference", "pay-2").code == 2


def test_under_a_key_it_is_done_once(cli: Cli) -> None:
    order_id = held(cli)
    for said in ("", "extended before"):
        ran = cli("orders", "extend", order_id, "--hold", "1h", "--key", "K")
        assert (ran.code, said in ran.err) == (0, True)
    assert show(cli, order_id)["hold_extensions"] == 1


def test_what_is_overdue_is_listed_and_expired(cli: Cli) -> None:
    order_id, other = held(cli), held(cli)
    let_run_out(cli, order_id)
    assert cli("orders", "list", "--hold-before", "2999-01-01", "--ids").out.split() == [other, order_id]
    ran = cli("orders", "expire")
    assert (ran.code, ran.out) == (0, "expired 1 order\n")
    assert cli("orders", "expire", "-o", "json").json == {"expired": 0, "failed": 0, "left_to_another": False}
    assert [show(cli, each)["status"] for each in (order_id, other)] == ["expired", "held"]
    ran = cli("orders", "confirm", order_id)
    assert (ran.code != 0, "hold_expired" in ran.err) == (True, True)
    assert cli("orders", "retry", order_id).out == f"{order_id} queued\n"
