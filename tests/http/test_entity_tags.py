"""ETag, If-Match and If-None-Match."""

from __future__ import annotations

import pytest

from tests.http.asking import place, read, refused, stock
from tests.http.conformance import ConformingClient


def placed_path(client: ConformingClient) -> str:
    stock(client)
    return f"/v1/orders/{place(client)['id']}"


@pytest.mark.parametrize("tags", ['"1"', "*", '"abc", "1"', 'W/"9", "1"', "1"])
def test_a_move_is_made_on_the_version_that_was_read(client: ConformingClient, tags: str) -> None:
    path = placed_path(client)
    response = client.put(f"{path}/status", json={"status": "processing"}, headers={"If-Match": tags})
    assert (response.status_code, response.headers["ETag"]) == (200, '"2"')


def test_a_move_on_a_stale_version_is_refused_with_the_present_one(client: ConformingClient) -> None:
    path = placed_path(client)
    client.put(f"{path}/status", json={"status": "processing"})
    response = client.put(f"{path}/status", json={"status": "shipped"}, headers={"If-Match": '"1"'})
    assert refused(response, 412, "version_mismatch")["version"] == 2
    assert read(client.get(path))["status"] == "processing"


@pytest.mark.parametrize(
    "tags",
    [
        'W/"1"',
        '"abc"',
        '"0"',
        '"01"',
        '"-1"',
        "",
        '""',
        '"", "abc"',
        ",",
        '"9999999999999999999999"',
        '"\u0661"',
        "\u00b2",
    ],
)
def test_a_tag_that_no_version_can_match_is_refused(client: ConformingClient, tags: str) -> None:
    path = placed_path(client)
    response = client.put(
        f"{path}/status",
        json={"status": "shipped"},
        environ_overrides={"HTTP_IF_MATCH": tags.encode().decode("latin-1")},
    )
    refused(response, 412, "version_mismatch")
    assert read(client.get(path))["version"] == 1


def test_several_versions_at_once_are_refused(client: ConformingClient) -> None:
    path = placed_path(client)
    response = client.put(f"{path}/status", json={"status": "shipped"}, headers={"If-Match": '"1", "2"'})
    refused(response, 422, "validation_error", "/if_match")


def test_a_move_that_was_made_already_succeeds_on_a_stale_version(client: ConformingClient) -> None:
    path = placed_path(client)
    for _ in range(2):
        response = client.put(f"{path}/status", json={"status": "shipped"}, headers={"If-Match": '"1"'})
        assert (response.status_code, response.headers["ETag"]) == (200, '"2"')


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_what_is_unchanged_is_not_sent_again(client: ConformingClient, form: str) -> None:
    for path in (placed_path(client), "/v1/inventory/WIDGET"):
        etag = client.get(path).headers["ETag"]
        response = client.get(path, headers={"If-None-Match": form.format(etag)})
        assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", etag)


def test_what_has_changed_is_sent_again(client: ConformingClient) -> None:
    order_path = placed_path(client)
    etags = {path: client.get(path).headers["ETag"] for path in (order_path, "/v1/inventory/WIDGET")}
    client.put(f"{order_path}/status", json={"status": "cancelled"})
    for path, etag in etags.items():
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("change", [{"name": "New"}, {"low_stock_threshold": 1}, {"on_hand": 11}])
def test_every_change_of_a_product_changes_its_tag(client: ConformingClient, change: dict[str, object]) -> None:
    stock(client)
    before = client.get("/v1/inventory/WIDGET").headers["ETag"]
    after = client.put("/v1/inventory/WIDGET", json=change).headers["ETag"]
    assert after != before
    assert client.get("/v1/inventory/WIDGET").headers["ETag"] == after
