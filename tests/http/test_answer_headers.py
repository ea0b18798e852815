"""What browsers are told by every answer, and which sites' pages may read it (CORS)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from oms_core import Oms, Settings
from oms_http.settings import HttpSettings
from tests.http.asking import order, read, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming

SHOP = "https://shop.example"
STRANGER = "https://evil.example"
HSTS = "Strict-Transport-Security"
# Written out here: read from the code, they would be right whatever it says.
TOLD = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def shop() -> Iterator[ConformingClient]:
    """A service that one site's pages may use."""
    with Oms.open(Settings(database_url="memory://")) as oms:
        yield client_of(conforming(oms, HttpSettings(cors_origins=(SHOP, "http://localhost:3000"))))


def answers(client: ConformingClient, origin: str) -> list[TestResponse]:
    """Ask for an answer of every sort, errors among them."""
    stock(client)
    headers = {"Origin": origin}
    return [
        client.get("/v1/orders", headers=headers),
        client.post("/v1/orders", json=order(), headers=headers),
        client.post("/v1/orders", json=order(quantity=99), headers=headers),
        client.post("/v1/orders", data=b"{", content_type="application/json", headers=headers),
        client.post("/v1/orders", data=b"x", headers=headers),
        client.get("/v1/inventory/GHOST", headers=headers),
        client.get("/nowhere", headers=headers),
        client.delete("/v1/orders", headers=headers),
        client.head("/v1/orders", headers=headers),
        client.get("/healthz", headers=headers),
    ]


def test_every_answer_tells_browsers_to_do_nothing_with_it(client: ConformingClient) -> None:
    for response in answers(client, "http://localhost"):
        for name, value in TOLD.items():
            assert response.headers.getlist(name) == [value]
        assert "Server" not in response.headers


def test_nothing_under_v1_is_kept_in_a_cache_unless_it_says_how(client: ConformingClient) -> None:
    for response in answers(client, "http://localhost"):
        if response.request.path.startswith("/v1/"):
            assert response.headers["Cache-Control"] in {"no-store", "no-cache"}
    assert client.options("/v1/orders").headers["Cache-Control"] == "no-store"


def test_only_over_tls_a_browser_is_told_to_stay_with_it(client: ConformingClient) -> None:
    assert HSTS not in client.get("/healthz").headers
    assert client.get("/nowhere", base_url="https://localhost").headers[HSTS] == "max-age=31536000"


def test_no_site_may_read_anything_unless_it_is_named(client: ConformingClient) -> None:
    stock(client)
    for response in (client.get("/healthz", headers={"Origin": SHOP}), client.options("/v1/orders", headers=asking())):
        assert not [name for name, _ in response.headers if name.startswith("Access-Control-")]
        assert "Vary" not in response.headers


def asking(origin: str = SHOP) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }


def test_a_named_site_may_read_every_answer_and_its_headers(shop: ConformingClient) -> None:
    for response in answers(shop, SHOP):
        assert response.headers.getlist("Access-Control-Allow-Origin") == [SHOP]
        assert response.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in response.headers
        exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
        assert exposed >= {
            *("Location", "ETag", "Link", "Retry-After", "RateLimit", "RateLimit-Policy"),
            *("Idempotent-Replayed", "Preference-Applied", "X-Request-ID", "OMS-Replica-Lag"),
        }


@pytest.mark.parametrize(
    "origin",
    [STRANGER, "null", "", "http://shop.example", "https://shop.example:8443", "https://shop.example.evil.example"],
)
def test_another_site_may_not(shop: ConformingClient, origin: str) -> None:
    response = shop.get("/healthz", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["Vary"] == "Origin", "a cache must not give this answer to the shop"
    assert shop.get("/healthz").headers["Vary"] == "Origin"


def test_a_browser_that_asks_first_is_told_what_it_may_send(shop: ConformingClient) -> None:
    response = shop.options("/v1/orders", headers=asking())
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == SHOP
    assert set(response.headers["Access-Control-Allow-Methods"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    allowed = {name.lower() for name in response.headers["Access-Control-Allow-Headers"].split(", ")}
    assert allowed >= {
        *("authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "prefer", "x-request-id")
    }
    assert response.headers["Access-Control-Max-Age"] == "600"
    refused = shop.options("/v1/orders", headers=asking(STRANGER))
    assert not [name for name, _ in refused.headers if name.startswith("Access-Control-")]


def test_any_site_may_read_if_that_is_what_was_set() -> None:
    with Oms.open(Settings(database_url="memory://")) as oms:
        client = client_of(conforming(oms, HttpSettings(cors_origins=("*",))))
        response = client.get("/healthz", headers={"Origin": STRANGER})
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert read(response) == {"status": "ok"}
