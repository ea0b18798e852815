"""The reference and the metadata of orders, changed over HTTP: what is given changes, null clears, all else stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.http.asking import figures, place, read, refused, stock
from tests.http.changing import events, shown, update
from tests.http.conformance import ConformingClient, validator_of
from tests.http.returning import ship

UNKNOWN_ID = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"
METADATA = {"channel": "web", "note": "ring twice"}


@pytest.fixture
def placed(client: ConformingClient) -> dict[str, Any]:
    """A placed order with a reference and two entries of metadata."""
    stock(client)
    return place(client, reference="WEB-1", metadata=METADATA)


@pytest.mark.parametrize(
    ("asked", "reference", "metadata"),
    [
        ({"reference": "WEB-2"}, "WEB-2", METADATA),
        ({"reference": None}, None, METADATA),
        ({"metadata": {"gift": "yes"}}, "WEB-1", {**METADATA, "gift": "yes"}),
        ({"metadata": {"note": ""}}, "WEB-1", {"channel": "web", "note": ""}),
        ({"metadata": {"note": None, "nothing": None}}, "WEB-1", {"channel": "web"}),
        ({"reference": "WEB-2", "metadata": {"channel": None, "note": None}}, "WEB-2", {}),
    ],
)
def test_what_is_given_changes_and_the_rest_stays(
    client: ConformingClient,
    placed: dict[str, Any],
    asked: dict[str, Any],
    reference: str | None,
    metadata: dict[str, str],
) -> None:
    answer = update(client, placed, **asked)
    assert (answer.status_code, answer.headers["ETag"], answer.headers["Cache-Control"]) == (200, '"2"', "no-store")
    changed = read(answer)
    assert (changed["reference"], changed["metadata"]) == (reference, metadata)
    assert changed == {**placed, "reference": reference, "metadata": metadata} | {
        name: changed[name] for name in ("version", "updated_at")
    }
    assert changed == shown(client, placed)
    *_, told = events(client, placed)
    assert (told["type"], told["order_version"]) == ("order.changed", 2)
    assert told["data"] == {
        "before": {"reference": "WEB-1", "metadata": METADATA},
        "after": {"reference": reference, "metadata": metadata},
    }


@pytest.mark.parametrize(
    "asked", [{}, {"metadata": {}}, {"reference": "WEB-1"}, {"metadata": {"channel": "web", "nothing": None}}]
)
def test_what_is_so_already_stays_as_it_is(
    client: ConformingClient, placed: dict[str, Any], asked: dict[str, Any]
) -> None:
    answer = update(client, placed, {"If-Match": '"7"'}, **asked)
    assert (answer.status_code, answer.headers["ETag"], read(answer)) == (200, '"1"', placed)
    assert len(events(client, placed)) == 1


def test_an_order_is_found_by_its_new_reference(client: ConformingClient, placed: dict[str, Any]) -> None:
    update(client, placed, reference="WEB-2")
    for reference, found in (("WEB-1", []), ("WEB-2", [placed["id"]])):
        listed = read(client.get(f"/v1/orders?reference={reference}"))["items"]
        assert [each["id"] for each in listed] == found


@pytest.mark.parametrize("status", ["shipped", "cancelled"])
def test_an_order_is_changed_in_any_status(client: ConformingClient, placed: dict[str, Any], status: str) -> None:
    client.put(f"/v1/orders/{placed['id']}/status", json={"status": status})
    before = figures(client)
    changed = read(update(client, placed, reference="WEB-2"))
    assert (changed["status"], changed["reference"]) == (status, "WEB-2")
    assert figures(client) == before


def test_an_order_is_changed_on_the_version_that_was_read(client: ConformingClient, placed: dict[str, Any]) -> None:
    assert update(client, placed, {"If-Match": '"1"'}, reference="WEB-2").status_code == 200
    for tag in ('"1"', 'W/"2"'):
        problem = refused(update(client, placed, {"If-Match": tag}, reference="WEB-3"), 412, "version_mismatch")
        assert problem["version"] == 2
    assert shown(client, placed)["reference"] == "WEB-2"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"more": 1}, ["/more"]),
        ({"reference": ""}, ["/reference"]),
        ({"reference": 1}, ["/reference"]),
        ({"reference": "x" * 256}, ["/reference"]),
        ({"metadata": None}, ["/metadata"]),
        ({"metadata": []}, ["/metadata"]),
        ({"metadata": {"note": 1}}, ["/metadata/note"]),
        ({"metadata": {"note": "x" * 501}}, ["/metadata/note"]),
        ({"metadata": {"": "x"}}, ["/metadata"]),
        ({"metadata": {"x" * 65: None}}, ["/metadata"]),
        ({"metadata": {str(number): "x" for number in range(51)}}, ["/metadata"]),
        ({"customer_id": "C2"}, ["/customer_id"]),
        ({"reference": "", "metadata": {"a/b": 1, "c~d": "\x00"}}, ["/reference", "/metadata/a~1b", "/metadata/c~0d"]),
    ],
)
def test_a_wrong_change_is_refused(
    client: ConformingClient, placed: dict[str, Any], body: dict[str, Any], pointers: list[str]
) -> None:
    refused(update(client, placed, **body), 422, "validation_error", *pointers)
    assert shown(client, placed) == placed


def test_an_order_has_so_many_entries_at_most(client: ConformingClient, placed: dict[str, Any]) -> None:
    update(client, placed, metadata={str(number): "x" for number in range(48)})
    refused(update(client, placed, metadata={"one": "more"}), 422, "validation_error", "/metadata")
    assert update(client, placed, metadata={"one": "more", "note": None}).status_code == 200


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({}, True),
        ({"reference": None, "metadata": {"note": None, "gift": "yes"}}, True),
        ({"metadata": None}, False),
        ({"metadata": {"note": 1}}, False),
        ({"metadata": {"": "x"}}, False),
        ({"reference": ""}, False),
        ({"customer_id": "C2"}, False),
    ],
)
def test_what_is_published_is_what_is_taken(body: dict[str, Any], fits: bool) -> None:
    validator = validator_of(json.dumps({"$ref": "#/components/schemas/OrderUpdateRequest"}))
    assert validator.is_valid(body) is fits


@pytest.mark.parametrize("order_id", [UNKNOWN_ID, "x"])
def test_an_unknown_order_is_not_found(client: ConformingClient, order_id: str) -> None:
    refused(update(client, {"id": order_id}, reference="R"), 404, "order_not_found")


def test_the_next_act_finds_the_next_version(client: ConformingClient, placed: dict[str, Any]) -> None:
    update(client, placed, metadata={"parcel": "2"})
    assert read(ship(client, placed))["order_version"] == 3
