"""POST /v1/orders/status: many orders at once, each with an outcome of its own."""

from __future__ import annotations

from typing import Any

import pytest

from oms_core import Oms
from oms_core.errors import OmsError
from tests.http.asking import figures, place, read, refused, stock
from tests.http.conformance import ConformingClient

NOWHERE = "00000000-0000-4000-8000-000000000000"


def move(client: ConformingClient, ids: list[str], status: str = "cancelled", **members: Any) -> list[dict[str, Any]]:
    response = client.post("/v1/orders/status", json={"ids": ids, "status": status, **members})
    assert response.status_code == 200, response.text
    outcomes: list[dict[str, Any]] = read(response)["outcomes"]
    assert [outcome["id"] for outcome in outcomes] == ids
    return outcomes


def test_each_order_has_its_outcome_in_the_order_asked(client: ConformingClient) -> None:
    stock(client, "WIDGET", 10)
    pending, shipped = place(client, "WIDGET", 2)["id"], place(client, "WIDGET", 3)["id"]
    move(client, [shipped], "Shipped")
    outcomes = move(client, [shipped, NOWHERE, pending, pending], reason="recall")
    assert [(each["status"], each.get("order_status"), each.get("version")) for each in outcomes] == [
        (409, None, None),
        (404, None, None),
        (200, "cancelled", 2),
        (200, "cancelled", 2),
    ]
    assert [each["error"]["code"] for each in outcomes[:2]] == ["invalid_transition", "order_not_found"]
    assert outcomes[0]["error"]["current"] == "shipped"
    assert figures(client, "WIDGET") == (7, 0, 7)
    assert read(client.get(f"/v1/orders/{pending}/events"))["items"][-1]["data"]["reason"] == "recall"


def test_sent_again_it_changes_nothing(client: ConformingClient) -> None:
    stock(client, "WIDGET", 10)
    ids = [place(client)["id"] for _ in range(3)]
    assert move(client, ids) == move(client, ids)
    assert figures(client, "WIDGET") == (10, 0, 10)


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"ids": []}, "/ids"),
        ({"ids": [NOWHERE] * 1_001}, "/ids"),
        ({"ids": "all"}, "/ids"),
        ({"ids": ["4711"]}, "/ids/0"),
        ({"ids": [NOWHERE, 5]}, "/ids/1"),
        ({"status": "lost"}, "/status"),
        ({"status": None}, "/status"),
        ({"reason": "x" * 1_001}, "/reason"),
        ({"if_version": 1}, "/if_version"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_request_is_refused_whole(client: ConformingClient, members: dict[str, Any], pointer: str) -> None:
    asked = {"ids": [NOWHERE], "status": "cancelled"} | members
    refused(client.post("/v1/orders/status", json=asked), 422, "validation_error", pointer)


def test_an_idempotency_key_would_promise_what_is_not_kept(client: ConformingClient) -> None:
    asked = {"ids": [NOWHERE], "status": "cancelled"}
    response = client.post("/v1/orders/status", json=asked, headers={"Idempotency-Key": "K"})
    refused(response, 422, "validation_error", "/idempotency_key")


def test_a_thousand_orders_are_few_transactions_and_one_defect_costs_one_order(
    client: ConformingClient, oms: Oms, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(client, "WIDGET", 10_000)
    ids = [place(client)["id"] for _ in range(600)]
    change_many = type(oms._ports.storage.orders).change_many
    calls: list[int] = []

    def failing(self: Any, order_ids: Any, **given: Any) -> Any:
        calls.append(len(order_ids))
        if any(str(order_id) == ids[7] for order_id in order_ids):
            raise RuntimeError("a defect that one order meets")
        return change_many(self, order_ids, **given)

    monkeypatch.setattr(type(oms._ports.storage.orders), "change_many", failing)
    outcomes = move(client, ids)
    assert [each["id"] for each in outcomes if each["status"] != 200] == [ids[7]]
    assert outcomes[7]["error"]["code"] == "internal_error"
    assert "a defect" not in outcomes[7]["error"]["detail"]
    assert len(calls) < 25, "halved around the fault, not one by one"
    assert figures(client, "WIDGET") == (10_000, 1, 9_999)


def test_a_storage_that_fails_half_way_is_the_outcome_of_the_rest(
    client: ConformingClient, oms: Oms, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(client, "WIDGET", 10_000)
    ids = sorted(place(client)["id"] for _ in range(510))
    change_many = type(oms._ports.storage.orders).change_many
    left = iter(range(1))

    def failing(self: Any, order_ids: Any, **given: Any) -> Any:
        if next(left, None) is None:
            raise OmsError("storage_unavailable", "the database has gone")
        return change_many(self, order_ids, **given)

    monkeypatch.setattr(type(oms._ports.storage.orders), "change_many", failing)
    outcomes = move(client, ids)
    assert [each["status"] for each in outcomes] == [200] * 500 + [503] * 10
    asked = {"ids": ids, "status": "cancelled"}
    refused(client.post("/v1/orders/status", json=asked), 503, "storage_unavailable")
    monkeypatch.undo()
    assert {each["status"] for each in move(client, ids)} == {200}
    assert figures(client, "WIDGET") == (10_000, 0, 10_000)
