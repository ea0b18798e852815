"""The pages: /docs works without a network, and every error has its page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from oms_core.errors import ERROR_CODES
from oms_http.problems import STATUS_BY_CODE
from tests.http.asking import refused
from tests.http.conformance import ConformingClient

BROWSER = {"Accept": "text/html"}


class References(HTMLParser):
    """What a page loads or links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"src", "href"} and value]


def references(page: str) -> list[str]:
    parser = References()
    parser.feed(page)
    return parser.found


def test_everything_that_the_docs_page_loads_is_served_here(client: ConformingClient) -> None:
    found = references(client.get("/docs").get_data(as_text=True))
    assert {reference.rpartition(".")[2] for reference in found} == {"css", "js", "png"}
    for reference in found:
        response = client.get(reference)
        assert response.status_code == 200
        assert reference.startswith("/docs/")
        assert len(response.data) > 100


@pytest.mark.parametrize("path", ["/docs/swagger-ui-bundle.js", "/docs/start.js", "/openapi.json"])
def test_what_never_changes_is_named_by_its_content_and_not_sent_twice(client: ConformingClient, path: str) -> None:
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": '"other"'}).data == first.data
    assert client.get(path, headers={"Range": "bytes=0-9"}).data == first.data, "a part would be copied"


def test_the_docs_page_names_no_other_host(client: ConformingClient) -> None:
    script = client.get("/docs/start.js").get_data(as_text=True)
    assert "//" not in client.get("/docs").get_data(as_text=True) + script
    assert '"/openapi.json"' in script
    assert "validatorUrl: null" in script
    assert client.get("/openapi.json").get_json()["servers"] == [{"url": "/"}]


def test_the_style_sheets_load_nothing_at_all(client: ConformingClient) -> None:
    for name in ("swagger-ui.css", "index.css"):
        style = client.get(f"/docs/{name}").get_data(as_text=True)
        assert all(url.startswith("data:") for url in re.findall(r"url\(\s*[\"']?([^\"')]*)", style))
        assert "@import" not in style


def test_the_pages_may_load_nothing_from_elsewhere(client: ConformingClient) -> None:
    for path in ("/docs", "/problems/forbidden"):
        page = client.get(path, headers=BROWSER)
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';")
        assert "http" not in policy
        assert "unsafe" not in policy
        for inline in ("<style", " style=", "<script>", " onload=", "javascript:"):
            assert inline not in page.get_data(as_text=True)


def test_a_problem_page_has_its_style_from_here(client: ConformingClient) -> None:
    reference, *links = references(client.get("/problems/forbidden", headers=BROWSER).get_data(as_text=True))
    assert client.get(reference).mimetype == "text/css"
    assert links == ["/problems"]


def test_the_docs_page_may_be_asked_for_with_a_slash(client: ConformingClient) -> None:
    assert client.get("/docs/").data == client.get("/docs").data


@pytest.mark.parametrize("name", ["nothing.js", "LICENSE", "..%2f..%2fsetup.py", "index.html", "oauth2-redirect.html"])
def test_only_the_files_of_the_page_are_served(client: ConformingClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404


@pytest.mark.parametrize("code", sorted(ERROR_CODES))
def test_every_error_has_its_page(client: ConformingClient, code: str) -> None:
    page = client.get(f"/problems/{code}", headers=BROWSER).get_data(as_text=True)
    for text in (code, str(STATUS_BY_CODE[code]), ERROR_CODES[code].retry.value, ERROR_CODES[code].title.split("'")[0]):
        assert text in page


@pytest.mark.parametrize("code", ["unheard_of", "FORBIDDEN", "<script>"])
def test_an_unknown_error_has_no_page(client: ConformingClient, code: str) -> None:
    refused(client.get(f"/problems/{code}"), 404, "route_not_found")
