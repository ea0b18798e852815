"""What callers write into headers and queries by hand: tokens, preferences, entity tags, keys, cursors, ranges."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oms_core import OmsError
from oms_core.domain.api_keys import parse_token, token_of
from oms_core.domain.pages import decode_id_cursor, decode_number_cursor, decode_sku_cursor, encode_cursor
from oms_core.domain.preconditions import NO_VERSION
from oms_core.errors import ErrorKind
from oms_http.edge.forwarding import TrustedProxies
from oms_http.edge.telemetry import request_id
from oms_http.orders.preferences import WAIT_SECONDS_MAX, read_respond_async
from oms_http.requests import Request, matches, note_version_wanted, read_idempotency_key, read_order_id
from tests.fuzz.chance import Chance
from tests.fuzz.settings import THOROUGH

TOKEN = f"oms_{'0' * 31}1_{'a' * 64}"
LINES = {
    "Prefer": b'respond-async, wait=10; x="y", return=minimal',
    "If-Match": b'"1", W/"2", *',
    "If-None-Match": b'W/"7", "8"',
    "Idempotency-Key": b'"a\\"b"',
    "Authorization": f"Bearer {TOKEN}".encode(),
    "X-Forwarded-For": b"203.0.113.7, ::ffff:127.0.0.1, 127.0.0.1",
    "X-Request-ID": b"request-1",
    "Range": b"bytes=0-1, -5",
}


def lines(name: str) -> st.SearchStrategy[str]:
    """Draw values of a header that are nearly a good one, as servers pass them on: bytes as characters of latin-1."""
    changed = st.integers(0, 2**64 - 1).map(lambda seed: Chance(seed).changed(LINES[name], ways=4))
    return st.one_of(changed, st.binary(max_size=80)).map(lambda line: line.decode("latin-1"))


def request_with(**headers: str) -> Request:
    return Request({f"HTTP_{name.upper()}": value for name, value in headers.items()} | {"REQUEST_METHOD": "GET"})


def told(read: Any, *given: Any) -> Any:
    """Give what a reading gives; an error must be one that the caller is told."""
    try:
        return read(*given)
    except OmsError as error:
        if error.kind not in {ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.CONFLICT}:
            raise
        return None


@THOROUGH
@given(lines("Authorization"), st.uuids(), st.integers(0, 2**256 - 1))
def test_a_token_is_taken_if_it_is_written_as_tokens_are(line: str, key_id: Any, bits: int) -> None:
    token = line.partition(" ")[2]
    presented = parse_token(token)
    if presented is not None:
        assert token == token_of(presented.id, token[-64:])
    good = parse_token(token_of(key_id, f"{bits:064x}"))
    assert good is not None
    assert good.id == key_id
    request = request_with(authorization=line)
    assert request.authorization is None or request.authorization.type is not None


@THOROUGH
@given(lines("Prefer"))
def test_a_preference_is_passed_over_or_applied_within_its_bounds(line: str) -> None:
    wanted = read_respond_async(line)
    if wanted is not None:
        assert wanted.wait_seconds is None or 0 <= wanted.wait_seconds <= WAIT_SECONDS_MAX
        assert wanted.applied[1].isascii()


@THOROUGH
@given(lines("If-Match"), lines("If-None-Match"), lines("Idempotency-Key"))
def test_entity_tags_and_keys_are_read_or_refused(if_match: str, if_none_match: str, key: str) -> None:
    request = request_with(if_match=if_match, if_none_match=if_none_match, idempotency_key=key)
    version = told(note_version_wanted, request)
    assert version is None or version >= NO_VERSION
    assert told(matches, request, '"1"') in {True, False}
    kept = told(read_idempotency_key, request)
    assert kept is None or (kept.isascii() and kept.isprintable() and 1 <= len(kept) <= 255)


@THOROUGH
@given(lines("X-Forwarded-For"), lines("X-Request-ID"), lines("Range"))
def test_what_proxies_add_and_what_no_route_reads_is_harmless(forwarded: str, offered: str, ranges: str) -> None:
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded, "HTTP_X_FORWARDED_PROTO": offered}
    TrustedProxies.read(["127.0.0.1"]).resolve(environ)
    assert environ.get("wsgi.url_scheme", "http") in {"http", "https"}
    assert request_id(offered).isascii()
    assert request_with(range=ranges).range is None or ranges


@THOROUGH
@given(
    st.sampled_from(["orders", "order_events", "movements", "keys"]),
    st.one_of(st.text(max_size=80), st.uuids().map(str), st.integers(-1, 2**70).map(str)),
    st.integers(0, 2**64 - 1),
)
def test_a_cursor_is_read_if_it_is_written_as_cursors_are(kind: str, key: str, seed: int) -> None:
    good = encode_cursor(kind, key.encode(errors="replace").decode())
    for cursor in (good, Chance(seed).text(good), key):
        for decode in (decode_number_cursor, decode_id_cursor, decode_sku_cursor):
            read = told(decode, kind, cursor)
            if read is not None:
                assert encode_cursor(kind, str(read)) == cursor


@THOROUGH
@given(st.one_of(st.text(max_size=80), st.uuids().map(str), st.uuids().map(lambda each: each.hex)))
def test_an_order_id_is_read_if_it_is_written_as_ids_are(text: str) -> None:
    read = told(read_order_id, text)
    assert read is None or str(read) == text.lower()
