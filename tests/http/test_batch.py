"""POST /v1/orders/batch: one outcome per order, whatever is wrong with the others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.asking import figures, order, read, refused, stock
from tests.http.conformance import ConformingClient

PATH = "/v1/orders/batch"


def outcomes(client: ConformingClient, *orders: object) -> list[dict[str, Any]]:
    response = client.post(PATH, json={"orders": orders})
    assert response.status_code == 200
    found = read(response)["outcomes"]
    assert isinstance(found, list)
    assert len(found) == len(orders)
    return found


def test_each_order_has_its_outcome_in_order(client: ConformingClient) -> None:
    stock(client, on_hand=5)
    found = outcomes(client, order(quantity=3), order(quantity=3), order("GHOST"), order(quantity=0), order(quantity=2))
    assert [outcome["status"] for outcome in found] == [201, 409, 422, 422, 201]
    assert found[1]["error"]["shortages"] == [{"sku": "WIDGET", "requested": 3, "available": 2}]
    assert [outcome["error"]["code"] for outcome in found[2:4]] == ["unknown_sku", "validation_error"]
    assert figures(client) == (5, 5, 0)


def test_findings_point_into_the_batch(client: ConformingClient) -> None:
    stock(client)
    found = outcomes(client, order(), order("GHOST"), {"lines": []}, 5)
    pointers = [[entry["pointer"] for entry in outcome.get("error", {}).get("errors", [])] for outcome in found]
    assert pointers == [[], ["/orders/1/lines/0/sku"], ["/orders/2/customer_id", "/orders/2/lines"], ["/orders/3"]]


def test_an_order_of_a_batch_is_repeated_by_its_own_key(client: ConformingClient) -> None:
    stock(client)
    keyed = order(idempotency_key="K1")
    first, repeat = outcomes(client, keyed, keyed)
    assert (first["status"], first["replayed"], repeat["replayed"]) == (201, False, True)
    (again,) = outcomes(client, keyed)
    assert again["order"] == repeat["order"] == first["order"]
    alone = client.post("/v1/orders", json=order(), headers={"Idempotency-Key": "K1"})
    assert read(alone) == first["order"]
    assert figures(client)[1] == 1


def test_one_key_for_the_whole_batch_is_refused(client: ConformingClient) -> None:
    stock(client)
    response = client.post(PATH, json={"orders": [order()]}, headers={"Idempotency-Key": "K1"})
    refused(response, 422, "validation_error", "/idempotency_key")
    assert figures(client)[1] == 0


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "/orders"),
        ({"orders": []}, "/orders"),
        ({"orders": [{}] * 1_001}, "/orders"),
        ({"orders": None}, "/orders"),
        ({"orders": {"0": {}}}, "/orders"),
        ({"orders": [{}], "atomic": True}, "/atomic"),
        ([], ""),
    ],
)
def test_a_bad_envelope_is_refused(client: ConformingClient, document: object, pointer: str) -> None:
    refused(client.post(PATH, json=document), 422, "validation_error", pointer)


def test_a_thousand_orders_are_placed(client: ConformingClient) -> None:
    stock(client, on_hand=1_000)
    found = outcomes(client, *[order()] * 1_000)
    assert {outcome["status"] for outcome in found} == {201}
    assert figures(client) == (1_000, 1_000, 0)


def test_a_batch_may_be_larger_than_an_order(client: ConformingClient) -> None:
    stock(client, on_hand=1_000)
    large = order(metadata={f"k{number}": "v" * 500 for number in range(50)})
    assert {outcome["status"] for outcome in outcomes(client, *[large] * 50)} == {201}


def test_what_is_wrong_with_many_orders_is_told_in_bounds(client: ConformingClient) -> None:
    stock(client)
    unknown = {"customer_id": "C1", "lines": [{"sku": "GHOST", "quantity": 1}] * 2_000}
    (outcome,) = outcomes(client, unknown)
    assert len(outcome["error"]["errors"]) == 100


def test_a_batch_in_which_all_is_wrong_is_answered_in_few_words(client: ConformingClient) -> None:
    wrong = {"customer_id": "C1", "lines": [{"sku": "", "quantity": 0, "surplus": 1}] * 60}
    outcomes = read(client.post("/v1/orders/batch", json={"orders": [wrong] * 500}))["outcomes"]
    findings = [len(outcome["error"]["errors"]) for outcome in outcomes]
    assert {outcome["status"] for outcome in outcomes} == {422}
    assert (findings[0], set(findings[1:])) == (100, {1})
