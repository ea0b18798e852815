"""Prefer (RFC 7240): what is honoured, and that everything else is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_http.orders.preferences import RespondAsync, read_respond_async
from tests.http.asking import order, stock
from tests.http.conformance import ConformingClient

pytestmark = pytest.mark.usefixtures("answered_by")

NOT_ASKED = [
    None,
    "",
    ",",
    ";",
    "wait=5",
    "return=minimal",
    "respond-asynchronously",
    "respond-async=yes",
    '"respond-async"',
    "handling=respond-async",
    "return=minimal; respond-async",
    'note="respond-async, wait=5"',
]


@pytest.mark.parametrize("header", NOT_ASKED)
def test_without_respond_async_nothing_is_asked(header: str | None) -> None:
    assert read_respond_async(header) is None


@pytest.mark.parametrize(
    ("header", "wait_seconds"),
    [
        ("respond-async", None),
        ("Respond-Async", None),
        (' respond-async = "" ', None),
        ("respond-async; priority=high", None),
        ("return=minimal, respond-async", None),
        ("respond-async, wait=0", 0),
        ("respond-async, wait=5", 5),
        ("wait=5,respond-async", 5),
        ("respond-async, WAIT=5", 5),
        ("respond-async, wait = 5", 5),
        ('respond-async, wait="5"', 5),
        ("respond-async, wait=5; unit=second", 5),
        ("respond-async, wait=010", 10),
        ("respond-async, wait=11", 10),
        ("respond-async, wait=" + "9" * 5000, 10),
        ("respond-async, wait=5, wait=7", 5),
        ("respond-async, wait", None),
        ("respond-async, wait=", None),
        ("respond-async, wait=-1", None),
        ("respond-async, wait=1.5", None),
        ("respond-async, wait=soon", None),
        ("respond-async, wait=\u00b2", None),
        ("respond-async, wait=soon, wait=7", None),
        ('respond-async, note="a, b; wait=3", wait=4', 4),
    ],
)
def test_the_wait_is_read_and_bounded(header: str, wait_seconds: int | None) -> None:
    assert read_respond_async(header) == RespondAsync(wait_seconds=wait_seconds)


@given(st.text(alphabet="respond-async, wait=0123456789;\" \\\t\xff*%'"))
def test_no_header_is_an_error(header: str) -> None:
    wanted = read_respond_async(header)
    assert wanted is None or wanted.wait_seconds is None or 0 <= wanted.wait_seconds <= 10


def test_several_headers_are_one(client: ConformingClient) -> None:
    stock(client)
    headers = [("Prefer", "return=minimal"), ("Prefer", "respond-async"), ("Prefer", "wait=0")]
    response = client.post("/v1/orders", json=order(), headers=headers)
    assert (response.status_code, response.headers["Preference-Applied"]) == (202, "respond-async, wait=0")


def test_wait_alone_changes_nothing(client: ConformingClient) -> None:
    stock(client)
    response = client.post("/v1/orders", json=order(), headers={"Prefer": "wait=5"})
    assert (response.status_code, "Preference-Applied" in response.headers) == (201, False)
