"""Orders that were rejected or failed: found by their reason, and queued again, one or many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oms_core import Oms
from tests.http.asking import figures, place, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.queueing import POISON, accept, look, open_poisoned, settled

UNKNOWN_ID = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"


@pytest.fixture(params=["memory", "sqlite"])
def oms(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Oms]:
    """A system with a worker."""
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/oms.db"}[request.param]
    with open_poisoned(url) as opened:
        opened.schema.upgrade()
        opened.start_worker()
        yield opened


@pytest.fixture
def unplaced(client: ConformingClient) -> dict[str, dict[str, Any]]:
    """Three orders that could not be placed, by what became of them; stock is there by now."""
    stock(client, on_hand=1)
    accepted = {
        "rejected": accept(client, 2),
        "rejected too": accept(client, 2, customer_id="C2"),
        "failed": accept(client, reference=POISON),
    }
    found = {name: settled(client, order["id"]) for name, order in accepted.items()}
    assert [order["status"] for order in found.values()] == ["rejected", "rejected", "failed"]
    stock(client, on_hand=10)
    return found


def retry(client: ConformingClient, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/orders/retry", json=body)
    assert response.status_code == 200
    return read(response)


def test_orders_are_found_by_what_they_failed_of(client: ConformingClient, unplaced: dict[str, dict[str, Any]]) -> None:
    def ids(query: str) -> set[str]:
        return {order["id"] for order in read(client.get(f"/v1/orders?{query}"))["items"]}

    assert ids("failure_code=internal_error") == {unplaced["failed"]["id"]}
    assert ids("failure_code=insufficient_inventory&customer_id=C2") == {unplaced["rejected too"]["id"]}
    assert ids("failure_code=insufficient_inventory&status=failed") == set()
    assert ids("failure_code=unheard_of") == set()
    refused(client.get("/v1/orders?failure_code="), 422, "validation_error", "/failure_code")
    refused(client.get(f"/v1/orders?failure_code={'x' * 65}"), 422, "validation_error", "/failure_code")


def test_a_rejected_order_is_queued_again_and_placed(
    client: ConformingClient, unplaced: dict[str, dict[str, Any]]
) -> None:
    path = f"/v1/orders/{unplaced['rejected']['id']}"
    response = client.post(f"{path}/retry", json={"reason": "new stock"})
    queued = read(response)
    assert (response.status_code, queued["status"], queued["failure"], queued["attempts"]) == (200, "queued", None, 0)
    assert queued["queue"]["position"] >= 1
    assert int(response.headers["Retry-After"]) >= 1
    assert settled(client, queued["id"])["status"] == "pending"
    assert figures(client) == (10, 2, 8)
    events = read(client.get(f"{path}/events"))["items"]
    assert [event["type"] for event in events] == ["order.queued", "order.rejected", "order.retried", "order.placed"]
    assert events[2]["data"]["reason"] == "new stock"


def test_many_are_queued_again_by_their_reason(client: ConformingClient, unplaced: dict[str, dict[str, Any]]) -> None:
    report = retry(client, status=["Rejected"], failure_code="insufficient_inventory", sku="WIDGET", reason="new stock")
    assert report == {"retried": 2, "refused": 0, "more": False}
    for name in ("rejected", "rejected too"):
        assert settled(client, unplaced[name]["id"])["status"] == "pending"
    assert look(client, unplaced["failed"]["id"])["status"] == "failed"


def test_many_are_queued_again_a_few_at_a_time(client: ConformingClient, unplaced: dict[str, dict[str, Any]]) -> None:
    newest_first = retry(client, status=["rejected"], limit=1)
    assert newest_first == {"retried": 1, "refused": 0, "more": True}
    assert settled(client, unplaced["rejected too"]["id"])["status"] == "pending"
    assert retry(client, customer_id="C1", status=["rejected"]) == {"retried": 1, "refused": 0, "more": False}
    assert settled(client, unplaced["rejected"]["id"])["status"] == "pending"


@pytest.mark.usefixtures("unplaced")
def test_without_a_filter_all_are_queued_again(client: ConformingClient) -> None:
    assert retry(client) == {"retried": 3, "refused": 0, "more": False}


def test_a_failed_order_can_be_cancelled(client: ConformingClient, unplaced: dict[str, dict[str, Any]]) -> None:
    path = f"/v1/orders/{unplaced['failed']['id']}"
    assert read(client.put(f"{path}/status", json={"status": "cancelled"}))["status"] == "cancelled"
    problem = refused(client.post(f"{path}/retry", json={}), 409, "invalid_transition")
    assert problem["current"] == "cancelled"


def test_an_order_that_was_placed_is_not_retried(client: ConformingClient) -> None:
    stock(client)
    path = f"/v1/orders/{place(client)['id']}/retry"
    problem = refused(client.post(path, json={}), 409, "invalid_transition")
    assert problem["current"] == "pending"


@pytest.mark.parametrize("id", [UNKNOWN_ID, "0", "retry"])
def test_an_unknown_order_is_not_retried(client: ConformingClient, id: str) -> None:
    refused(client.post(f"/v1/orders/{id}/retry", json={}), 404, "order_not_found")


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"status": []}, "/status"),
        ({"status": "rejected"}, "/status"),
        ({"status": ["rejected", "pending"]}, "/status/1"),
        ({"status": [None]}, "/status/0"),
        ({"failure_code": ""}, "/failure_code"),
        ({"failure_code": "x" * 65}, "/failure_code"),
        ({"customer_id": "a\x00"}, "/customer_id"),
        ({"sku": 1}, "/sku"),
        ({"reason": "r" * 501}, "/reason"),
        ({"reason": "a\x00"}, "/reason"),
        ({"limit": 0}, "/limit"),
        ({"limit": 1001}, "/limit"),
        ({"limit": True}, "/limit"),
        ({"limit": None}, "/limit"),
        ({"why": "?"}, "/why"),
        ([], ""),
    ],
)
def test_a_bad_retry_is_refused_where_it_is_wrong(client: ConformingClient, document: object, pointer: str) -> None:
    refused(client.post("/v1/orders/retry", json=document), 422, "validation_error", pointer)


def rejected_twice(client: ConformingClient, headers: dict[str, str]) -> str:
    """Give the path to retry an order, which was queued again with these headers, and rejected again."""
    stock(client, on_hand=1)
    order_id = settled(client, accept(client, 2)["id"])["id"]
    path = f"/v1/orders/{order_id}/retry"
    response = client.post(path, json={}, headers=headers)
    assert (response.status_code, read(response)["status"]) == (200, "queued")
    assert "Idempotent-Replayed" not in response.headers
    assert settled(client, order_id)["version"] == 4
    return path


def test_a_retry_that_is_sent_twice_under_its_key_is_made_once(client: ConformingClient) -> None:
    key = {"Idempotency-Key": "again-1", "If-Match": '"2"'}
    path = rejected_twice(client, key)
    again = client.post(path, json={}, headers=key)
    assert (again.status_code, read(again)["status"], again.headers["ETag"]) == (200, "rejected", '"4"')
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(client.post(path, json={"reason": "another"}, headers=key), 422, "idempotency_key_reused")


def test_a_retry_without_a_key_is_made_on_the_version_that_was_read(client: ConformingClient) -> None:
    path = rejected_twice(client, {"If-Match": '"2"'})
    refused(client.post(path, json={}, headers={"If-Match": '"2"'}), 412, "version_mismatch")
    refused(client.post(path, json={}, headers={"If-Match": 'W/"4"'}), 412, "version_mismatch")
    assert client.post(path, json={}, headers={"If-Match": '"4"'}).status_code == 200


def test_a_key_for_many_retries_is_refused(client: ConformingClient) -> None:
    response = client.post("/v1/orders/retry", json={}, headers={"Idempotency-Key": "K"})
    refused(response, 422, "validation_error", "/idempotency_key")


class TestWithoutWorker:
    """Nobody takes what is queued."""

    @pytest.fixture
    def oms(self) -> Iterator[Oms]:
        with open_poisoned("memory://") as opened:
            yield opened

    def test_retrying_a_queued_order_succeeds_and_changes_nothing(self, client: ConformingClient) -> None:
        stock(client)
        queued = accept(client)
        for _ in range(2):
            response = client.post(f"/v1/orders/{queued['id']}/retry", json={})
            assert (response.status_code, read(response)) == (200, queued)
        assert len(read(client.get(f"/v1/orders/{queued['id']}/events"))["items"]) == 1


def test_null_is_the_same_as_not_given(client: ConformingClient) -> None:
    document = dict.fromkeys(("status", "failure_code", "customer_id", "sku", "reason"))
    assert read(client.post("/v1/orders/retry", json=document)) == {"retried": 0, "refused": 0, "more": False}
