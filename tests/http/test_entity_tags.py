"""ETag, If-Match and If-None-Match."""

from __future__ import annotations

import pytest

from tests.http.asking import place, read, refused, stock
from tests.http.conformance import ConformingClient

PRODUCT = "/v1/inventory/WIDGET"


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


def test_a_weak_tag_is_told_that_it_never_matches(client: ConformingClient) -> None:
    path = placed_path(client)
    response = client.put(f"{path}/status", json={"status": "shipped"}, headers={"If-Match": 'W/"1"'})
    assert "weak" in refused(response, 412, "version_mismatch")["detail"]
    weak = "W/" + client.get(PRODUCT).headers["ETag"]
    response = client.put(PRODUCT, json={"on_hand": 1}, headers={"If-Match": weak})
    assert "weak" in refused(response, 412, "version_mismatch")["detail"]


NOBODYS = "/v1/orders/019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"


@pytest.mark.parametrize("tags", ['W/"1"', '"x"', '""', '"7"'])
def test_an_order_that_is_not_there_is_not_found_whatever_version_is_wanted(
    client: ConformingClient, tags: str
) -> None:
    for response in (
        client.put(f"{NOBODYS}/status", json={"status": "shipped"}, headers={"If-Match": tags}),
        client.post(f"{NOBODYS}/retry", json={}, headers={"If-Match": tags}),
    ):
        refused(response, 404, "order_not_found")


@pytest.mark.parametrize("tags", ['W/"1"', '"x"', '"7"'])
def test_a_move_that_was_made_already_succeeds_whatever_version_is_wanted(client: ConformingClient, tags: str) -> None:
    path = f"{placed_path(client)}/status"
    client.put(path, json={"status": "shipped"})
    assert client.put(path, json={"status": "shipped"}, headers={"If-Match": tags}).status_code == 200


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


def on_hand(client: ConformingClient) -> int:
    figure = read(client.get(PRODUCT))["on_hand"]
    assert isinstance(figure, int)
    return figure


@pytest.mark.parametrize("form", ["{}", "*", '"x", {}', 'W/"x", {}'])
def test_stock_is_changed_on_the_revision_that_was_read(client: ConformingClient, form: str) -> None:
    stock(client)
    tag = client.get(PRODUCT).headers["ETag"]
    response = client.put(PRODUCT, json={"on_hand": 7}, headers={"If-Match": form.format(tag)})
    assert (response.status_code, on_hand(client)) == (200, 7)
    path, tag = f"{PRODUCT}/adjustments", response.headers["ETag"]
    response = client.post(path, json={"delta": -1, "reason": "x"}, headers={"If-Match": form.format(tag)})
    assert (response.status_code, on_hand(client)) == (200, 6)


@pytest.mark.parametrize("other", [{"on_hand": 11}, {"name": "New"}, {"low_stock_threshold": 3}])
def test_stock_is_not_changed_on_a_stale_revision(client: ConformingClient, other: dict[str, object]) -> None:
    stock(client)
    stale = client.get(PRODUCT).headers["ETag"]
    fresh = client.put(PRODUCT, json=other).headers["ETag"]
    before = on_hand(client)
    for response in (
        client.put(PRODUCT, json={"on_hand": 7}, headers={"If-Match": stale}),
        client.put(PRODUCT, json={"name": "Other"}, headers={"If-Match": stale}),
        client.post(f"{PRODUCT}/adjustments", json={"delta": 1, "reason": "x"}, headers={"If-Match": stale}),
    ):
        assert f'"{refused(response, 412, "version_mismatch")["revision"]}"' == fresh
    assert (on_hand(client), client.get(PRODUCT).headers["ETag"]) == (before, fresh)


@pytest.mark.parametrize("tags", ["", '""', '"*"', ",", '"1"', "\u00b2", '"x", "y"'])
def test_a_tag_that_no_revision_can_match_changes_no_stock(client: ConformingClient, tags: str) -> None:
    stock(client)
    response = client.put(
        PRODUCT, json={"on_hand": 7}, environ_overrides={"HTTP_IF_MATCH": tags.encode().decode("latin-1")}
    )
    assert refused(response, 412, "version_mismatch")["revision"]
    assert on_hand(client) == 10


def test_a_set_that_was_made_already_succeeds_on_a_stale_revision(client: ConformingClient) -> None:
    stock(client)
    tag = client.get(PRODUCT).headers["ETag"]
    for _ in range(2):
        response = client.put(PRODUCT, json={"on_hand": 7, "name": "W"}, headers={"If-Match": tag})
        assert (response.status_code, on_hand(client)) == (200, 7)
    assert len(read(client.get(f"{PRODUCT}/movements"))["items"]) == 2


def test_an_adjustment_that_was_made_already_is_replayed_on_a_stale_revision(client: ConformingClient) -> None:
    stock(client)
    headers = {"If-Match": client.get(PRODUCT).headers["ETag"], "Idempotency-Key": "K"}
    for _ in range(2):
        response = client.post(f"{PRODUCT}/adjustments", json={"delta": 1, "reason": "x"}, headers=headers)
        assert (response.status_code, on_hand(client)) == (200, 11)


@pytest.mark.parametrize("tags", ["*", '"1-1"'])
def test_a_product_that_is_not_there_matches_nothing_and_is_not_created(client: ConformingClient, tags: str) -> None:
    response = client.put(PRODUCT, json={"on_hand": 7}, headers={"If-Match": tags})
    assert refused(response, 412, "version_mismatch")["revision"] is None
    refused(client.get(PRODUCT), 404, "sku_not_found")
    response = client.post(f"{PRODUCT}/adjustments", json={"delta": 1, "reason": "x"}, headers={"If-Match": tags})
    refused(response, 404, "sku_not_found")


def test_a_product_is_created_once_if_it_is_asked_not_to_be_there(client: ConformingClient) -> None:
    answers = [client.put(PRODUCT, json={"on_hand": 7}, headers={"If-None-Match": "*"}) for _ in range(2)]
    assert answers[0].status_code == 201
    refused(answers[1], 412, "version_mismatch")
    tag = answers[0].headers["ETag"]
    refused(client.put(PRODUCT, json={"on_hand": 8}, headers={"If-None-Match": tag}), 412, "version_mismatch")
    assert client.put(PRODUCT, json={"on_hand": 8}, headers={"If-None-Match": '"1-1"'}).status_code == 200
