"""The matrix of access over HTTP, cell by cell: each route's rules, each scope, each binding; and nothing missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from oms_core import Caller, Scope
from oms_core.domain.access import AccessRule
from oms_http.openapi.operation import Operation
from oms_http.operations import operations_of
from oms_http.problems import STATUS_BY_CODE
from oms_http.requests import Request
from oms_http.settings import HttpSettings
from tests.access_cells import BOUND_TO, OWNER, SCOPES_HELD, Shop, caller, everything, expected, shop
from tests.http.asking import order, read, refused
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming
from tests.http.queueing import ASYNC


@dataclass(frozen=True)
class Ask:
    """What is sent to an operation for a rule, and the status that answers who may; `{id}` stands for `of` the shop."""

    operation: str
    status: int = 200
    when: str = ""
    of: str = "placed"
    sku: str = "WIDGET"
    query: str = ""
    sent: dict[str, Any] = field(default_factory=dict)


def body(**members: Any) -> dict[str, Any]:
    return {"json": members}


UNHELD = "with hold_seconds 0"
CSV = {"content_type": "text/csv"}
ASKS = (
    Ask("placeOrder", 201, sent={"json": order()}),
    Ask("placeOrder", 202, sent={"json": order(), "headers": ASYNC}),
    Ask("placeOrders", sent=body(orders=[order()])),
    Ask("placeOrder", 201, when=UNHELD, sent={"json": order(hold_seconds=0)}),
    Ask("placeOrder", 202, when=UNHELD, sent={"json": order(hold_seconds=0), "headers": ASYNC}),
    Ask("placeOrders", when=UNHELD, sent=body(orders=[order(hold_seconds=0)])),
    Ask("extendHold", of="held", sent=body(seconds=1_800)),
    Ask("confirmOrder", of="held", sent=body()),
    Ask("listOrders", query=f"?customer_id={OWNER}"),
    Ask("importOrders", sent={"data": f"reference,customer_id,sku,quantity\nR,{OWNER},WIDGET,1\n", **CSV}),
    Ask("exportOrders", query=f"?customer_id={OWNER}"),
    Ask("getOrder"),
    Ask("listOrderEvents"),
    Ask("updateOrder", sent=body(reference="R")),
    Ask(
        "changeOrderLines",
        when="queued, held or pending, without prices",
        sent=body(lines=[{"sku": "WIDGET", "quantity": 1}]),
    ),
    Ask(
        "changeOrderLines",
        when="in every status that allows it",
        sent=body(lines=[{"sku": "WIDGET", "quantity": 1, "unit_price": "1.00"}]),
    ),
    Ask("createShipment", 201, sent=body()),
    Ask("listShipments", of="shipped"),
    Ask("getShipment", of="shipped"),
    Ask("updateShipment", of="shipped", sent=body(status="delivered")),
    Ask("cancelShipment", of="shipped", sent=body()),
    Ask("createReturn", 201, of="shipped", sent=body()),
    Ask("listReturns", of="returned"),
    Ask("getReturn", of="returned"),
    Ask("changeOrderStatus", when="to cancelled", sent=body(status="cancelled")),
    Ask("changeOrderStatus", when="to any other status", sent=body(status="shipped")),
    Ask("changeOrderStatuses", when="to cancelled", sent=body(ids=["{id}"], status="cancelled")),
    Ask("changeOrderStatuses", when="to any other status", sent=body(ids=["{id}"], status="shipped")),
    Ask("retryOrder", of="rejected", sent=body()),
    Ask("retryOrders", sent=body()),
    Ask("getQueue"),
    Ask("listDeadLetters"),
    Ask("replayDeadLetters", sent=body(ids=["letter"])),
    Ask("discardDeadLetters", sent=body(ids=["letter"])),
    Ask("listProducts"),
    Ask("exportStock"),
    Ask("getProduct"),
    Ask("setStock", sent=body(on_hand=500)),
    Ask("deleteProduct", 204, sku="UNUSED"),
    Ask("adjustStock", sent=body(delta=400, reason="found")),
    Ask("receiveStock", sent=body(quantity=400)),
    Ask("transferStock", sent=body(**{"from": "main", "to": "north", "quantity": 1})),
    Ask("listLocations"),
    Ask("getLocation"),
    Ask("setLocation", sent=body(note="behind the hall")),
    Ask("listMovements"),
    Ask("createKey", 201, sent=body(name="another", scopes=["orders:read"])),
    Ask("listKeys"),
    Ask("getKey"),
    Ask("rotateKey", 201, sent=body()),
    Ask("revokeKey"),
    Ask("importStock", query="?mode=set", sent={"data": "sku,quantity\nWIDGET,500\n", **CSV}),
)
OPERATIONS = {operation.id: operation for operation in operations_of(HttpSettings())}
CELLS = [(ask, rule) for ask in ASKS for rule in OPERATIONS[ask.operation].access_rules if rule.when == ask.when]


@pytest.fixture
def at() -> Iterator[Shop]:
    with shop() as opened:
        yield opened


def client_as(at: Shop, asker: Caller) -> ConformingClient:
    """Give a client whose every request is this caller's, whoever it says it is."""

    class FromAsker(Request):
        @property
        def caller(self) -> Caller:
            return asker

        @caller.setter
        def caller(self, found: Caller) -> None:
            """Whatever was found out about it does not count."""

    app = conforming(at.oms)
    app.request_class = FromAsker
    return client_of(app)


def named(ask_or_rule: Ask | AccessRule) -> str:
    """Name a cell in a test's id."""
    return ask_or_rule.when or (ask_or_rule.operation if isinstance(ask_or_rule, Ask) else "")


def test_every_operation_under_v1_and_no_other_has_rules() -> None:
    assert {each.id for each in OPERATIONS.values() if each.access_rules} == {
        each.id for each in OPERATIONS.values() if each.guarded
    }


def test_every_rule_of_every_operation_is_asked_for() -> None:
    asked = {(ask.operation, ask.when) for ask in ASKS}
    assert asked == {(each.id, rule.when) for each in OPERATIONS.values() for rule in each.access_rules}


@pytest.mark.parametrize("bound", BOUND_TO)
@pytest.mark.parametrize("held", SCOPES_HELD)
@pytest.mark.parametrize(("ask", "rule"), CELLS, ids=named)
def test_a_caller_is_answered_what_the_matrix_says(at: Shop, ask: Ask, rule: AccessRule, held: str, bound: str) -> None:
    asker = caller(held, bound)
    wanted = expected(rule, asker)
    operation = OPERATIONS[ask.operation]
    order_id = str(getattr(at, ask.of).id)
    named_as = {"sku": ask.sku, "name": "robot", "id": order_id, "location": "main"}
    path = operation.path.format(**named_as, shipment_no="1", return_no="1")
    before = everything(at.oms)
    sent = json.loads(json.dumps(ask.sent).replace("{id}", order_id))
    answer = client_as(at, asker).open(path + ask.query, method=operation.method, **sent)
    if wanted.code is None:
        assert answer.status_code == ask.status
        assert not (wanted.is_blind and any(order_id in answer.text for order_id in at.order_ids))
        return
    is_of_one = wanted.scope in {None, Scope.ORDERS_MANAGE}
    is_of_one = is_of_one if ask.operation == "placeOrders" else wanted.scope is None
    if ask.operation in {"placeOrders", "changeOrderStatuses"} and is_of_one:  # One order's refusal is its outcome.
        (outcome,) = read(answer)["outcomes"]
        assert (outcome["status"], outcome["error"]["code"]) == (STATUS_BY_CODE[wanted.code], wanted.code)
    elif ask.operation == "importOrders" and wanted.scope is None:  # It is among the rejects.
        assert [reject["code"] for reject in read(answer)["rejects"]] == [wanted.code]
    else:
        problem = refused(answer, STATUS_BY_CODE[wanted.code], wanted.code)
        assert problem.get("scope") == (wanted.scope and wanted.scope.value)
    assert everything(at.oms) == before


@pytest.mark.parametrize("operation", [each for each in OPERATIONS.values() if not each.guarded], ids=lambda it: it.id)
def test_what_is_open_answers_a_caller_without_any_scope(at: Shop, operation: Operation) -> None:
    client = client_as(at, caller("none", "of another"))
    assert client.get(operation.path.replace("{code}", "forbidden")).status_code == 200


def test_a_missing_order_and_anothers_are_answered_alike(at: Shop) -> None:
    client = client_as(at, caller("all", "of another"))
    there, missing = str(at.placed.id), "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"
    texts: list[Callable[[str], str]] = [
        lambda order_id: client.get(f"/v1/orders/{order_id}").text,
        lambda order_id: client.get(f"/v1/orders/{order_id}/events").text,
        lambda order_id: client.put(f"/v1/orders/{order_id}/status", json={"status": "shipped"}).text,
        lambda order_id: client.post(f"/v1/orders/{order_id}/retry", json={}).text,
        lambda order_id: client.patch(f"/v1/orders/{order_id}", json={"reference": "R"}).text,
        lambda order_id: (
            client.patch(f"/v1/orders/{order_id}/lines", json={"lines": [{"line_no": 1, "quantity": 2}]}).text
        ),
    ]
    client.environ_base["HTTP_X_REQUEST_ID"] = "same"
    for text in texts:
        assert text(there).replace(there, missing) == text(missing)
