"""At the root stands what can be read: browsers get a page, programs JSON, and every error code is listed."""

from __future__ import annotations

import re

import pytest
from markupsafe import escape

from oms_core import Oms, Settings
from oms_core.errors import ERROR_CODES
from oms_http.service.pages import render_prose
from oms_http.settings import HttpSettings
from tests.http.asking import read
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming
from tests.http.test_pages import references

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NEGOTIATED = ["/", "/problems", "/problems/forbidden"]


@pytest.mark.parametrize("path", NEGOTIATED)
def test_a_browser_gets_a_page_and_a_program_json(client: ConformingClient, path: str) -> None:
    for accept, wanted in (
        (BROWSER, "text/html"),
        ("text/html", "text/html"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("image/png", "application/json"),
        ("", "application/json"),
    ):
        response = client.get(path, headers={"Accept": accept} if accept else {})
        assert (response.status_code, response.mimetype) == (200, wanted), accept
        assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize("accept", [BROWSER, "*/*"])
def test_every_link_of_the_root_leads_somewhere(client: ConformingClient, accept: str) -> None:
    response = client.get("/", headers={"Accept": accept})
    found = references(response.text) if accept == BROWSER else [link["href"] for link in read(response)["links"]]
    assert {"/docs", "/openapi.json", "/metrics", "/problems", "/v1/inventory"} <= set(found)
    for path in found:
        assert client.get(path).status_code == 200


def test_the_root_does_not_lead_to_metrics_that_are_elsewhere() -> None:
    with Oms.open(Settings(database_url="memory://")) as oms:
        links = read(client_of(conforming(oms, HttpSettings(metrics_address="127.0.0.1:9000"))).get("/"))["links"]
    assert "/metrics" not in {link["href"] for link in links}


def test_every_error_code_is_listed_and_its_page_says_the_same(client: ConformingClient) -> None:
    items = read(client.get("/problems"))["items"]
    assert [item["code"] for item in items] == sorted(ERROR_CODES)
    page = client.get("/problems", headers={"Accept": BROWSER}).text
    for item in items:
        assert f'href="{item["type"]}"' in page
        assert read(client.get(item["type"])) == item


@pytest.mark.parametrize("path", ["/problems", *(f"/problems/{code}" for code in sorted(ERROR_CODES))])
def test_no_page_shows_markdown(client: ConformingClient, path: str) -> None:
    page = client.get(path, headers={"Accept": BROWSER}).text
    assert "`" not in page
    assert not re.search(r"\[[^\]]+\]\([^)]+\)|\*\*|(?<!\w)_\w", page)


def test_a_code_span_of_an_explanation_is_one_on_its_page(client: ConformingClient) -> None:
    page = client.get("/problems/insufficient_inventory", headers={"Accept": BROWSER}).text
    assert "<p><code>shortages</code> gives what was requested" in page


@pytest.mark.parametrize("text", ["<b>", "`<script>`", "a & `b`", "``", "`", "'\"", "`a` `b`"])
def test_whatever_an_explanation_says_stays_text(text: str) -> None:
    rendered = render_prose(text)
    assert re.sub(r"</?code>", "`", rendered) == str(escape(text))


@pytest.mark.parametrize("path", NEGOTIATED)
def test_the_pages_may_load_nothing_from_elsewhere(client: ConformingClient, path: str) -> None:
    page = client.get(path, headers={"Accept": BROWSER})
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "//" not in page.text
    for inline in ("<style", " style=", "<script", " onload=", "javascript:"):
        assert inline not in page.text
