"""The judges themselves: each fault that they look for, once, and found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from flask import Response

from oms_core import OrderStatus, SetStock
from tests.core.worker.worker_fixtures import ScriptedInbox, Unhurried, ask, tell
from tests.fuzz.asking import ask_and_judge
from tests.fuzz.judging import Judge
from tests.fuzz.rows import changed_tables, rows_of
from tests.fuzz.service import ADMIN, BOUND, CANARY, STAFF, Asked, Fuzzed, fuzzed
from tests.fuzz.tally import Tally
from tests.fuzz.working import faults_in_hand


@pytest.fixture
def service() -> Iterator[Fuzzed]:
    with fuzzed("memory://") as opened:
        yield opened


def judged(service: Fuzzed, judge: Judge, method: str, target: bytes, caller: str = ADMIN) -> list[str]:
    tally = Tally()
    bearer = ("Authorization", f"Bearer {service.tokens[caller]}".encode())
    ask_and_judge(
        service, judge, Asked(caller=caller, method=method, target=target, headers=(bearer,), body=b""), tally
    )
    return [failure.partition(" -> ")[2] for failure in tally.failures]


def answer_with(service: Fuzzed, response: Response) -> None:
    """Let the service answer every list of orders so."""
    service.app.view_functions["listOrders"] = lambda: response


def test_good_requests_have_no_faults(service: Fuzzed) -> None:
    judge = Judge(service)
    for target in (b"/v1/orders", b"/v1/inventory", b"/healthz", b"/nothing", b"/v1/orders?limit=0"):
        assert judged(service, judge, "GET", target) == []
    assert judge.faults_at_end() == []


def test_a_bug_is_found_in_the_answer_and_in_the_log(service: Fuzzed) -> None:
    service.app.view_functions["listOrders"] = lambda: 1 / 0
    faults = judged(service, Judge(service), "GET", b"/v1/orders")
    assert faults[0].startswith("500")
    assert any("ZeroDivisionError" in fault for fault in faults)


def test_an_answer_that_is_not_documented_is_found(service: Fuzzed) -> None:
    answer_with(service, Response('{"items": [], "next": null, "more": 1}', content_type="application/json"))
    assert any("not as documented" in fault for fault in judged(service, Judge(service), "GET", b"/v1/orders"))


def test_a_refusal_that_is_no_problem_document_is_found(service: Fuzzed) -> None:
    answer_with(service, Response("no", status=409))
    assert "409 CONFLICT as text/html" in judged(service, Judge(service), "GET", b"/v1/orders")


@pytest.mark.parametrize("shown", ["canary", "secret"])
def test_what_may_not_be_shown_is_found(service: Fuzzed, shown: str) -> None:
    text = CANARY if shown == "canary" else service.tokens[ADMIN].rpartition("_")[2]
    answer_with(service, Response(f'{{"items": [], "next": "{text}"}}', content_type="application/json"))
    faults = judged(service, Judge(service), "GET", b"/v1/orders", BOUND)
    assert any(fault.startswith("it shows") for fault in faults)


@pytest.mark.parametrize(("method", "target"), [("PUT", b"/v1/nothing"), ("GET", b"/v1/orders")])
def test_a_row_that_changed_is_found(service: Fuzzed, method: str, target: bytes) -> None:
    judge = Judge(service)
    service.oms.stock.set(SetStock(sku="WIDGET", on_hand=7), caller=STAFF)
    assert any("products" in fault for fault in judged(service, judge, method, target))


def test_rows_are_told_apart_by_their_tables(service: Fuzzed) -> None:
    before = rows_of(service.oms)
    assert changed_tables(before, rows_of(service.oms)) == []
    service.oms.api_keys.revoke("spare", caller=STAFF)
    assert changed_tables(before, rows_of(service.oms)) == ["api_keys"]


def test_books_that_do_not_agree_are_found(service: Fuzzed) -> None:
    tables = service.oms._ports.storage.tables  # type: ignore[attr-defined]
    tables.movements["WIDGET"].pop()
    assert len(Judge(service).faults_at_end()) == 1


def test_messages_that_are_lost_or_dealt_with_twice_are_found() -> None:
    one, other = ask(b"{"), tell()
    inbox = partial(ScriptedInbox, [], Unhurried(), [])
    good = inbox(acknowledged=[one], dead_lettered=[(other.body, "validation_error")])
    assert list(faults_in_hand([one, other], good)) == []
    for bad in (
        inbox(acknowledged=[one]),
        inbox(acknowledged=[one, other, other]),
        inbox(acknowledged=[one], dead_lettered=[(other.body, "internal_error")]),
    ):
        assert list(faults_in_hand([one, other], bad))


def test_the_seeded_orders_are_of_several_statuses(service: Fuzzed) -> None:
    found = {order.status for order in service.oms.orders.list(caller=STAFF).items}
    assert found >= {
        OrderStatus.PENDING,
        OrderStatus.QUEUED,
        OrderStatus.SHIPPED,
        OrderStatus.CANCELLED,
        OrderStatus.REJECTED,
    }
