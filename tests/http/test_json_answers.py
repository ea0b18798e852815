"""Answers whose headers are complete when they are made, and what a request leaves behind."""

from __future__ import annotations

import gc
import json
import weakref
from io import BytesIO

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from oms_http.app import BODY_BYTES_MAX
from oms_http.requests import Request
from oms_http.responses import add_headers, encode_json, json_response
from tests.http.asking import order, refused, stock
from tests.http.conformance import ConformingClient

# Every character there is, halves of surrogate pairs among them.
_TEXTS = st.text(st.characters(codec=None, categories=None))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda each: st.lists(each) | st.dictionaries(_TEXTS, each),
)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\nSet-Cookie: b"])
def test_a_header_with_a_line_end_is_not_sent(value: str) -> None:
    with pytest.raises(ValueError, match="line ends"):
        json_response({}, headers=[("Location", value)])


@given(DOCUMENTS)
def test_answers_are_encoded_as_by_the_standard_library(document: object) -> None:
    assert encode_json(document) == json.dumps(document, separators=(",", ":")).encode()


def test_headers_can_be_read_changed_and_added_before_they_are_sent() -> None:
    response = json_response({"a": 1}, status=201, headers=[("ETag", '"1"'), ("Location", "/a")])
    assert (response.headers["etag"], response.headers["Content-Length"]) == ('"1"', "7")
    response.headers["Location"] = "/b"
    add_headers(response, [("X-Request-ID", "r")])
    sent: list[tuple[str, str]] = []
    body = response({"REQUEST_METHOD": "GET"}, lambda _, headers: sent.extend(headers))  # type: ignore[arg-type]
    assert b"".join(body) == b'{"a":1}'
    assert sorted(sent) == [
        ("Content-Length", "7"),
        ("Content-Type", "application/json"),
        ("ETag", '"1"'),
        ("Location", "/b"),
        ("X-Request-ID", "r"),
    ]


@pytest.mark.parametrize("is_hooked", [False, True])
def test_a_request_is_gone_with_its_answer(app: Flask, client: ConformingClient, is_hooked: bool) -> None:
    asked: list[weakref.ref[object]] = []

    class Watched(Request):
        def close(self) -> None:
            asked.append(weakref.ref(self))
            super().close()

    app.request_class = Watched
    if is_hooked:
        app.before_request(lambda: None)
    stock(client)
    asked.clear()
    gc.collect()
    gc.disable()
    try:
        client.post("/v1/orders", json=order())
        assert [each() for each in asked] == [None]
    finally:
        gc.enable()


def test_a_body_that_the_server_has_whole_is_bounded(client: ConformingClient) -> None:
    body = b" " * (BODY_BYTES_MAX + 1)
    whole = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True}
    for length in ("10", ""):  # Whatever is said of it.
        response = client.post(
            "/v1/orders", content_type="application/json", environ_overrides=whole | {"CONTENT_LENGTH": length}
        )
        refused(response, 413, "payload_too_large")
        whole["wsgi.input"] = BytesIO(body)
