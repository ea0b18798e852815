"""What changes of lines over HTTP are refused for: every code with its figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from oms_memory import MemoryStorage

from oms_core import ALL_SCOPES, Caller, Oms
from oms_core.domain.orders import line_changes
from tests.http.asking import figures, place, read, refused, stock
from tests.http.changing import change, further, of_line, quantities, shown, try_out
from tests.http.conformance import ConformingClient
from tests.http.returning import give_back, ship

STAFF = Caller(name="staff", scopes=ALL_SCOPES)
UNKNOWN_ID = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"
LINE = of_line(1)


@pytest.fixture
def placed(client: ConformingClient) -> dict[str, Any]:
    """A placed order of three widgets and two more, in euros."""
    stock(client)
    return place(client, lines=[further(quantity=3, unit_price="2.00"), further(quantity=2, unit_price="2.00")])


@pytest.mark.parametrize("text", ["yes", "1", ""])
def test_a_dry_run_is_true_or_false(client: ConformingClient, placed: dict[str, Any], text: str) -> None:
    path = f"/v1/orders/{placed['id']}/lines?dry_run={text}"
    refused(client.patch(path, json={"lines": [LINE]}), 422, "validation_error", "/dry_run")
    assert shown(client, placed) == placed


def test_a_line_keeps_what_has_shipped(client: ConformingClient, placed: dict[str, Any]) -> None:
    ship(client, placed, lines=[of_line(3), of_line(1, 2)])
    for ask in (change, try_out):
        problem = refused(ask(client, placed, of_line(1), of_line(0, 2)), 409, "below_shipped")
        assert problem["lines"] == [
            {"line_no": 1, "sku": "WIDGET", "requested": 1, "shipped": 3},
            {"line_no": 2, "sku": "WIDGET", "requested": 0, "shipped": 1},
        ]
        assert problem["retry"] == "after_change"
    assert figures(client) == (6, 1, 5)


def test_an_order_keeps_a_unit(client: ConformingClient, placed: dict[str, Any]) -> None:
    problem = refused(change(client, placed, of_line(0), of_line(0, 2)), 409, "empty_order")
    assert problem["retry"] == "after_change"
    change(client, placed, of_line(0))
    refused(try_out(client, placed, of_line(0, 2)), 409, "empty_order")
    assert figures(client) == (10, 2, 8)


def test_more_than_there_is_leaves_all_lines_as_they_are(client: ConformingClient, placed: dict[str, Any]) -> None:
    for ask in (change, try_out):
        problem = refused(ask(client, placed, of_line(8), of_line(3, 2)), 409, "insufficient_inventory")
        assert problem["shortages"] == [{"sku": "WIDGET", "requested": 6, "available": 5}]
    assert (quantities(shown(client, placed)), figures(client)) == ([(1, "WIDGET", 3), (2, "WIDGET", 2)], (10, 5, 5))


def test_a_product_that_is_not_there_is_named_at_its_line(client: ConformingClient, placed: dict[str, Any]) -> None:
    problem = refused(change(client, placed, of_line(1), further("MUG")), 422, "unknown_sku", "/lines/1/sku")
    assert "MUG" in problem["detail"]
    assert figures(client) == (10, 5, 5)


def test_a_total_stays_below_its_bound(client: ConformingClient, placed: dict[str, Any]) -> None:
    line = further(quantity=2, unit_price="922337203685477.5807")
    refused(change(client, placed, line), 422, "total_too_large")


def test_a_price_has_the_decimals_of_the_currency(client: ConformingClient) -> None:
    stock(client)
    yen = place(client, currency="JPY")
    refused(change(client, yen, further(unit_price="1.50")), 422, "validation_error", "/lines/0/unit_price")
    assert read(change(client, yen, further(unit_price="150")))["lines"][1]["unit_price"] == "150"


def test_an_order_has_so_many_lines_at_most(
    client: ConformingClient, placed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_changes, "ORDER_LINES_MAX", 3)
    change(client, placed, of_line(0), further())
    problem = refused(change(client, placed, further()), 422, "validation_error", "/lines")
    assert [found["code"] for found in problem["errors"]] == ["too_many"]


def test_what_has_left_or_was_given_up_is_not_changed(client: ConformingClient, placed: dict[str, Any]) -> None:
    cancelled = place(client)
    client.put(f"/v1/orders/{cancelled['id']}/status", json={"status": "cancelled"})
    ship(client, placed)
    for found, status, allowed in ((cancelled, "cancelled", []), (placed, "shipped", ["delivered", "returned"])):
        for ask in (change, try_out):
            problem = refused(ask(client, found, LINE), 409, "invalid_transition")
            assert (problem["current"], problem["allowed"]) == (status, allowed)
    give_back(client, placed)
    refused(change(client, placed, LINE), 409, "invalid_transition")


@pytest.mark.parametrize("tag", ['"1"', 'W/"2"'])
def test_a_stale_version_is_refused_with_the_present_one(
    client: ConformingClient, placed: dict[str, Any], tag: str
) -> None:
    change(client, placed, of_line(2))
    for ask in (change, try_out):
        problem = refused(ask(client, placed, LINE, headers={"If-Match": tag}), 412, "version_mismatch")
        assert problem["version"] == 2


def test_a_key_stands_for_what_it_was_used_for(client: ConformingClient, placed: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "K"}
    assert change(client, placed, further(unit_price="1"), headers=key).status_code == 200
    for answer in (
        change(client, placed, further(quantity=2, unit_price="1"), headers=key),
        change(client, placed, further(unit_price="2"), headers=key),
        change(client, placed, further(), headers=key),
        change(client, placed, further(unit_price="1"), headers=key, reason="again"),
        client.post(f"/v1/orders/{placed['id']}/shipments", json={}, headers=key),
    ):
        refused(answer, 422, "idempotency_key_reused")
    assert change(client, placed, further(unit_price="1.00"), headers=key).headers["Idempotent-Replayed"] == "true"
    assert figures(client) == (10, 6, 4)


def test_a_refused_change_does_not_use_its_key_up(client: ConformingClient, placed: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "K"}
    refused(change(client, placed, of_line(9), headers=key), 409, "insufficient_inventory")
    assert change(client, placed, of_line(4), headers=key).status_code == 200


def test_a_key_of_an_order_that_was_archived_changes_nothing(
    client: ConformingClient, oms: Oms, placed: dict[str, Any]
) -> None:
    key = {"Idempotency-Key": "K"}
    change(client, placed, LINE, headers=key)
    client.put(f"/v1/orders/{placed['id']}/status", json={"status": "cancelled"})
    storage = oms._ports.storage
    assert isinstance(storage, MemoryStorage)
    now = datetime.now(UTC) + timedelta(days=1)
    found = storage.archive.finished(before=now, after=None, limit=10)
    storage.archive.remove({each.order.id: each.order.version for each in found}, caller=STAFF, now=now)
    assert refused(change(client, placed, LINE, headers=key), 410, "order_archived")["order_id"] == placed["id"]


@pytest.mark.parametrize("order_id", [UNKNOWN_ID, "x"])
def test_an_unknown_order_is_not_found(client: ConformingClient, order_id: str) -> None:
    for ask in (change, try_out):
        refused(ask(client, {"id": order_id}, LINE), 404, "order_not_found")


def test_a_body_that_is_no_json_is_refused(client: ConformingClient, placed: dict[str, Any]) -> None:
    path = f"/v1/orders/{placed['id']}"
    sent = {"input_stream": BytesIO(b"{"), "content_length": 1, "content_type": "application/json"}
    for where in (path, f"{path}/lines"):
        refused(client.patch(where, **sent), 400, "malformed_json")
        merging = client.patch(where, data="{}", content_type="application/merge-patch+json")
        refused(merging, 415, "unsupported_media_type")
