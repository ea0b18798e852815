"""Orders that are held over HTTP: found, held longer, confirmed and expired, and every refusal with its figures."""

from __future__ import annotations

from typing import Any

import pytest

from oms_core import ALL_SCOPES, Caller, Oms
from tests.http.asking import figures, order, place, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.queueing import ASYNC

STAFF = Caller(name="staff", scopes=ALL_SCOPES)
UNKNOWN_ID = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"


@pytest.fixture
def held(client: ConformingClient) -> dict[str, Any]:
    """A held order of two units of ten."""
    stock(client)
    return place(client, quantity=2, hold_seconds=900)


def confirm(client: ConformingClient, order: dict[str, Any], *, key: str | None = None, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(f"/v1/orders/{order['id']}/confirm", json=body, headers=headers)


def extend(client: ConformingClient, order: dict[str, Any], seconds: object = 1_800, **headers: str) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/v1/orders/{order['id']}/extend", json={"seconds": seconds}, headers=given)


def test_a_held_order_tells_until_when_and_reserves_its_stock(client: ConformingClient, held: dict[str, Any]) -> None:
    assert (held["status"], held["hold_seconds"], held["hold_extensions"]) == ("held", 900, 0)
    assert held["created_at"] < held["hold_until"]
    assert held["payment_reference"] is None
    assert figures(client) == (10, 2, 8)
    assert read(client.get(f"/v1/orders/{held['id']}")) == held
    (event,) = read(client.get(f"/v1/orders/{held['id']}/events"))["items"]
    assert (event["type"], event["data"]["hold_seconds"]) == ("order.held", 900)


def test_held_orders_are_found_by_status_and_by_when_their_holds_end(
    client: ConformingClient, held: dict[str, Any]
) -> None:
    place(client)

    def found(query: str) -> list[str]:
        return [each["id"] for each in read(client.get(f"/v1/orders?{query}"))["items"]]

    assert found("status=held") == found("hold_before=2999-01-01T00:00:00Z") == [held["id"]]
    assert found(f"hold_before={held['hold_until']}") == []
    refused(client.get("/v1/orders?hold_before=soon"), 422, "validation_error", "/hold_before")


def test_a_confirmed_order_is_pending_and_a_repetition_changes_nothing(
    client: ConformingClient, held: dict[str, Any]
) -> None:
    confirmed = read(confirm(client, held, payment_reference="pay-1"))
    assert (confirmed["status"], confirmed["version"], confirmed["payment_reference"]) == ("pending", 2, "pay-1")
    assert read(confirm(client, held)) == read(confirm(client, held, payment_reference="pay-1")) == confirmed
    assert figures(client) == (10, 2, 8)


def test_under_a_key_the_first_answer_is_repeated_with_the_order_as_it_is(
    client: ConformingClient, held: dict[str, Any]
) -> None:
    first = confirm(client, held, key="K", payment_reference="pay-1")
    client.put(f"/v1/orders/{held['id']}/status", json={"status": "cancelled"})
    again = confirm(client, held, key="K", payment_reference="pay-1")
    assert "Idempotent-Replayed" not in first.headers
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert read(again)["status"] == "cancelled"
    refused(confirm(client, held, key="K"), 422, "idempotency_key_reused")


def test_a_payment_confirms_one_order_and_the_other_is_not_named(
    client: ConformingClient, held: dict[str, Any]
) -> None:
    other = place(client, hold_seconds=60)
    confirm(client, held, payment_reference="pay-1")
    problem = refused(confirm(client, other, payment_reference="pay-1"), 409, "payment_reference_in_use")
    assert held["id"] not in str(problem)
    refused(confirm(client, held, payment_reference="pay-2"), 409, "already_confirmed")


def test_a_hold_is_extended_and_no_further_than_allowed(client: ConformingClient, held: dict[str, Any]) -> None:
    extended = read(extend(client, held, Idempotency_Key="K"))
    assert (extended["status"], extended["hold_extensions"], extended["version"]) == ("held", 1, 2)
    assert extended["hold_until"] > held["hold_until"]
    assert read(extend(client, held, Idempotency_Key="K")) == extended
    for seconds in (3_600, 7_200):
        assert extend(client, held, seconds).status_code == 200
    problem = refused(extend(client, held, 14_400), 409, "extension_limit")
    assert (problem["extensions"], problem["extensions_max"]) == (3, 3)
    refused(extend(client, held, 14_400, If_Match='"1"'), 412, "version_mismatch")


def test_what_is_not_held_is_not_extended_and_what_waits_is_not_confirmed(client: ConformingClient) -> None:
    stock(client)
    problem = refused(extend(client, place(client)), 409, "invalid_transition")
    assert problem["current"] == "pending"
    queued = read(client.post("/v1/orders", json=order(hold_seconds=60), headers=ASYNC))
    assert (queued["status"], queued["hold_seconds"], queued["hold_until"]) == ("queued", 60, None)
    refused(confirm(client, queued), 409, "not_settled")


def test_an_expired_order_is_neither_confirmed_nor_extended_but_retried(
    client: ConformingClient, oms: Oms, held: dict[str, Any]
) -> None:
    tables = oms._ports.storage.tables  # type: ignore[attr-defined]
    (found,) = [each for each in tables.orders.values() if str(each.id) == held["id"]]
    tables.now = lambda: found.hold_until
    assert oms.holds.expire(caller=STAFF).expired == 1
    assert read(client.get(f"/v1/orders/{held['id']}"))["status"] == "expired"
    assert figures(client) == (10, 0, 10)
    refused(confirm(client, held), 409, "hold_expired")
    refused(extend(client, held), 409, "hold_expired")
    retried = read(client.post(f"/v1/orders/{held['id']}/retry", json={}))
    assert (retried["status"], retried["hold_seconds"], retried["hold_until"]) == ("queued", 900, None)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"seconds": 0}, "/seconds"),
        ({"seconds": 86_401}, "/seconds"),
        ({"seconds": "60"}, "/seconds"),
        ({}, "/seconds"),
        ({"seconds": 60, "more": 1}, "/more"),
    ],
)
def test_a_wrong_extension_is_refused(
    client: ConformingClient, held: dict[str, Any], body: dict[str, Any], pointer: str
) -> None:
    refused(client.post(f"/v1/orders/{held['id']}/extend", json=body), 422, "validation_error", pointer)


@pytest.mark.parametrize("reference", ["", "x" * 256, " pay", 1])
def test_a_wrong_payment_reference_is_refused(
    client: ConformingClient, held: dict[str, Any], reference: object
) -> None:
    refused(confirm(client, held, payment_reference=reference), 422, "validation_error", "/payment_reference")


@pytest.mark.parametrize("seconds", [-1, 86_401, 10**12, "60", 1.5, True])
def test_a_wrong_hold_is_refused(client: ConformingClient, seconds: object) -> None:
    stock(client)
    refused(client.post("/v1/orders", json=order(hold_seconds=seconds)), 422, "validation_error", "/hold_seconds")


@pytest.mark.parametrize("act", ["confirm", "extend"])
def test_an_unknown_order_is_not_found(client: ConformingClient, act: str) -> None:
    body = {"seconds": 60} if act == "extend" else {}
    refused(client.post(f"/v1/orders/{UNKNOWN_ID}/{act}", json=body), 404, "order_not_found")


def test_orders_of_a_batch_are_held_as_they_say(client: ConformingClient) -> None:
    stock(client)
    asked = {"orders": [order(hold_seconds=60), order()]}
    outcomes = read(client.post("/v1/orders/batch", json=asked))["outcomes"]
    assert [each["order"]["status"] for each in outcomes] == ["held", "pending"]
