"""`oms orders place --async`, `retry`, `cancel` and `list --failure`: orders that wait, and those that failed to."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest

from oms_core import OmsError, OrderStatus
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.orders.queueing import decide_failed_attempt
from tests.cli.conftest import Cli
from tests.services.waiting import wait_until

QUEUE = ("orders", "place", "--async", "--customer", "C1")
WORKER = Caller(name="worker", scopes=ALL_SCOPES)


def queued(cli: Cli, line: str = "WIDGET:1@2", customer: str = "C1") -> str:
    ran = cli("orders", "place", "--async", "--customer", customer, "--line", line, "-o", "json")
    assert ran.code == 0
    return str(ran.json["id"])


def place_all(cli: Cli) -> None:
    """Let a worker work until nothing waits."""
    stop = threading.Event()
    worker = threading.Thread(target=cli.oms.run_worker, args=(stop,))
    worker.start()
    wait_until(lambda: not cli.oms._ports.storage.queue.sample().numbers, 20, "all are settled")
    stop.set()
    worker.join()


def fail(cli: Cli, order_id: str, *, attempts: int) -> None:
    """Let a try of an order have failed, the last one at 5."""
    error = OmsError("internal_error", "it cannot be written")
    cli.oms._ports.storage.orders.change(
        UUID(order_id),
        owner=None,
        caller=WORKER,
        now=cli.oms._ports.clock.now(),
        decide=lambda order, _: decide_failed_attempt(order, error, attempts=attempts, attempts_max=5, jitter=1.0),
    )


def status(cli: Cli, order_id: str) -> str:
    return str(cli("orders", "show", order_id, "-o", "json").json["status"])


def test_a_queued_order_is_told_with_its_place(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    first = queued(cli)
    ran = cli(*QUEUE, "--line", "WIDGET:2@12.50")
    second = next(order_id for order_id in cli("orders", "list", "--ids").out.split() if order_id != first)
    assert ran.out == f"queued {second}: 1 line, total 25.00 EUR; position 2, no worker is there\n"
    assert (ran.code, ran.err) == (0, "")
    assert cli.oms.stock.get("WIDGET", caller=cli.caller).available == 10


def test_a_queued_order_as_json_has_its_place(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    placed = cli(*QUEUE, "--line", "WIDGET:1", "-o", "json").json
    assert placed["queue"] == {"position": 1, "estimated_seconds": None}
    shown = cli("orders", "show", placed["id"], "-o", "json").json
    assert shown["queue"] == {"position": 1, "estimated_seconds": None}
    assert "queue" not in cli("orders", "list", "-o", "json").json[0]


def test_an_unknown_sku_is_refused_at_once_and_too_little_stock_is_not(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    ran = cli(*QUEUE, "--line", "NONE:1")
    assert ran.code == 2
    assert "unknown_sku" in ran.err
    assert cli(*QUEUE, "--line", "WIDGET:5").code == 0


def test_a_key_queues_an_order_once(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    cli(*QUEUE, "--line", "WIDGET:1", "--key", "cart-1")
    again = cli(*QUEUE, "--line", "WIDGET:1", "--key", "cart-1")
    assert again.out.startswith("placed before with this key: ")
    assert " queued: 1 line" in again.out
    assert len(cli("orders", "list", "--ids").out.split()) == 1


def test_waiting_gives_the_outcome(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    stop = threading.Event()
    worker = threading.Thread(target=cli.oms.run_worker, args=(stop,))
    worker.start()
    try:
        placed = cli(*QUEUE, "--line", "WIDGET:1", "--wait", "30")
        rejected = cli(*QUEUE, "--line", "WIDGET:9", "--wait", "30")
    finally:
        stop.set()
        worker.join()
    assert placed.code == 0
    assert placed.out.startswith("placed ")
    assert " pending: " in placed.out
    assert rejected.code == 5
    assert rejected.out.startswith("rejected ")
    assert rejected.err.startswith("error: insufficient_inventory: order ")


def test_waiting_is_for_queued_orders(cli: Cli) -> None:
    ran = cli("orders", "place", "--customer", "C1", "--line", "WIDGET:1", "--wait", "1")
    assert (ran.code, ran.err) == (2, "error: usage: --wait waits for a queued order: give --async too\n")


def test_an_order_to_be_tried_again_tells_what_its_attempts_met(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    order_id = queued(cli)
    fail(cli, order_id, attempts=2)
    shown = cli("orders", "show", order_id).out
    assert "queue        position 1, no worker is there\n" in shown
    assert "attempts     2\n" in shown
    assert "failure      internal_error: it cannot be written\n" in shown


def test_orders_are_listed_by_the_reason_of_their_failure(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    rejected, failed, _ = queued(cli, "WIDGET:9"), queued(cli, "WIDGET:1"), queued(cli, "WIDGET:1")
    fail(cli, failed, attempts=5)
    place_all(cli)
    assert cli("orders", "list", "--failure", "insufficient_inventory", "--ids").out.split() == [rejected]
    assert cli("orders", "list", "--failure", "internal_error", "--ids").out.split() == [failed]
    (row,) = [line for line in cli("orders", "list").out.splitlines() if line.startswith(rejected)]
    assert row.split()[-1] == "insufficient_inventory"


def test_every_retried_order_has_its_outcome(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    failed, pending = queued(cli), str(cli.place().id)
    fail(cli, failed, attempts=5)
    ran = cli("orders", "retry", failed, pending, "--reason", "mended")
    assert (ran.code, ran.out) == (8, f"{failed} queued\n")
    assert ran.err.startswith(f"error: {pending}: invalid_transition: ")
    order = cli("orders", "show", failed, "-o", "json").json
    assert (order["failure"], order["attempts"]) == (None, 0)
    events = cli("orders", "events", failed, "-o", "json").json
    assert (events[-1]["type"], events[-1]["data"]["reason"]) == ("order.retried", "mended")
    assert cli("orders", "retry", failed).code == 0, "one that is queued stays so"


def test_ids_to_retry_can_come_from_stdin(cli: Cli) -> None:
    cli.stock("WIDGET", 9)
    ids = [queued(cli), queued(cli)]
    for order_id in ids:
        fail(cli, order_id, attempts=5)
    listed = cli("orders", "list", "--status", "failed", "--ids").out
    assert cli("orders", "retry", "-", given=listed).code == 0
    assert [status(cli, order_id) for order_id in ids] == ["queued", "queued"]


def test_all_failed_and_rejected_orders_are_retried(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    rejected, failed = queued(cli, "WIDGET:9"), queued(cli, "WIDGET:1")
    fail(cli, failed, attempts=5)
    place_all(cli)
    ran = cli("orders", "retry", "--all")
    assert (ran.code, ran.out, ran.err) == (0, "retried 2 orders\n", "")
    assert {status(cli, rejected), status(cli, failed)} == {"queued"}


@pytest.mark.parametrize(
    "narrowed",
    [("--status", "Failed"), ("--failure", "internal_error"), ("--customer", "C2"), ("--sku", "GADGET")],
)
def test_all_can_be_narrowed(cli: Cli, narrowed: tuple[str, str]) -> None:
    cli.stock("WIDGET", 1)
    cli.stock("GADGET", 1)
    rejected, failed = queued(cli, "WIDGET:9"), queued(cli, "GADGET:1", customer="C2")
    fail(cli, failed, attempts=5)
    place_all(cli)
    assert cli("orders", "retry", "--all", *narrowed).out == "retried 1 order\n"
    assert (status(cli, rejected), status(cli, failed)) == ("rejected", "queued")


def test_a_limit_says_when_there_are_more(cli: Cli) -> None:
    cli.stock("WIDGET", 9)
    for _ in range(3):
        fail(cli, queued(cli), attempts=5)
    assert cli("orders", "retry", "--all", "--limit", "2").out == "retried 2 orders; there are more: repeat it\n"
    assert cli("orders", "retry", "--all", "-o", "json").json == {"retried": 1, "refused": 0, "more": False}
    assert cli("orders", "retry", "--all", "-o", "csv").out == "retried,refused,more\n0,0,false\n"


@pytest.mark.parametrize("given", [(), ("x", "--all")])
def test_either_ids_or_all_are_retried(cli: Cli, given: tuple[str, ...]) -> None:
    ran = cli("orders", "retry", *given)
    assert (ran.code, ran.err) == (2, "error: usage: give order ids, - for stdin, or --all\n")


def test_ids_cannot_be_narrowed(cli: Cli) -> None:
    ran = cli("orders", "retry", "x", "--sku", "WIDGET")
    assert ran.code == 2
    assert "--all" in ran.err


@pytest.mark.parametrize("empty", ["", ",", "failed,"])
def test_a_status_that_is_empty_does_not_stand_for_all(cli: Cli, empty: str) -> None:
    for command in (("retry", "--all"), ("list",)):
        ran = cli("orders", *command, "--status", empty)
        assert (ran.code, ran.out) == (2, "")
        assert "'' is no status" in ran.err


def test_only_rejected_and_failed_orders_can_be_retried_at_once(cli: Cli) -> None:
    assert cli("orders", "retry", "--all", "--status", "pending").code == 2


def test_a_queued_order_can_be_cancelled_and_is_then_not_placed(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    cancelled, other = queued(cli), queued(cli)
    assert cli("orders", "cancel", cancelled).out == f"{cancelled} cancelled\n"
    place_all(cli)
    assert (status(cli, cancelled), status(cli, other)) == ("cancelled", OrderStatus.PENDING)


def test_a_retry_under_a_key_is_made_once_and_a_repetition_says_so(cli: Cli) -> None:
    cli.stock("WIDGET", 1)
    order_id = queued(cli)
    fail(cli, order_id, attempts=5)
    first = cli("orders", "retry", order_id, "--key", "again-1", "--if-version", "2")
    fail(cli, order_id, attempts=5)
    again = cli("orders", "retry", order_id, "--key", "again-1", "--if-version", "2")
    assert [(ran.code, ran.out) for ran in (first, again)] == [(0, f"{order_id} queued\n"), (0, f"{order_id} failed\n")]
    assert (first.err, again.err) == ("", "it was retried before with this key\n")
    stale = cli("orders", "retry", order_id, "--if-version", "2")
    assert stale.code == 5
    assert "version_mismatch" in stale.err


@pytest.mark.parametrize("given", [("--all",), ("x", "y"), ("-",)])
@pytest.mark.parametrize("option", [("--key", "K"), ("--if-version", "1")])
def test_a_key_and_a_version_are_for_one_order(cli: Cli, given: tuple[str, ...], option: tuple[str, str]) -> None:
    ran = cli("orders", "retry", *given, *option)
    assert (ran.code, ran.err) == (2, "error: usage: --key and --if-version are for one id\n")
