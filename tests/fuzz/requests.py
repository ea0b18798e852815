"""Requests that are nearly right: a good one for each operation, then changed in its document, bytes or headers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_from_bytes

from oms_core.domain.callers import Scope
from oms_core.domain.pages import encode_cursor
from oms_core.errors import ERROR_CODES
from oms_http.openapi.operation import Operation
from oms_http.operations import operations_of
from oms_http.settings import HttpSettings
from tests.fuzz.chance import FRAGMENTS, Chance, to_json
from tests.fuzz.service import ABLE, BROKEN, CALLERS, CUSTOMER, NOBODY, ORIGIN, SKUS, STRANGER, Asked, Fuzzed

OPERATIONS = operations_of(HttpSettings())
# What tells the same whoever asks is asked now and then only.
_STILL = tuple(operation for operation in OPERATIONS if not operation.guarded)
_LIVELY = tuple(operation for operation in OPERATIONS if operation.guarded)
_PARTS = ("caller", "path", "query", "headers", "body", "body")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get")
_STATUSES = ("pending", "queued", "processing", "shipped", "delivered", "returned", "cancelled", "rejected", "failed")
_DISPOSITIONS = ("restock", "quarantine", "discard", "missing")
_CSV = (
    b"sku,quantity,location,name,reason,reference\nWIDGET,1000000,main,Widget,counted,R1\n"
    b'"A B",5,back,"a ""b""",,\nNEW,7,,,,\n'
)
_QUERIES: dict[str, bytes] = {
    "listOrders": b"status=pending,queued&customer_id=C1&sku=WIDGET&created_from=2020-01-01T00:00:00Z&limit=3",
    "listOrderEvents": b"limit=1",
    "listDeadLetters": b"limit=1",
    "listProducts": b"low_stock=false&limit=2",
    "listMovements": b"limit=1",
    "listKeys": b"limit=2",
    "changeOrderLines": b"dry_run=false",
    "importStock": b"mode=set&skip_bad=true&dry_run=false&reason=counted",
}
_HEADERS: tuple[tuple[str, bytes], ...] = (
    *(("Idempotency-Key", value) for value in (b'"k1"', b"k2", b'"k\\"3"', b"k" * 255)),
    *(("Prefer", value) for value in (b"respond-async", b"respond-async, wait=0", b"return=minimal")),
    *(("If-Match", value) for value in (b'"1"', b'"2"', b"*", b'W/"1"', b'"1", "2"', b'""', b'"99999999999999999999"')),
    *(("If-None-Match", value) for value in (b'"1"', b"*", b'W/"1", "x"', b'W/"1', b'""')),
    *(("Range", value) for value in (b"bytes=0-1", b"bytes=-1", b"bytes=5-1", b"bytes=0-0,2-3", b"items=0-9")),
    *(("If-Range", value) for value in (b'"1"', b"Sun, 22 Nov 2026 21:00:00 GMT")),
    *(("Content-Encoding", value) for value in (b"gzip", b"identity", b"br")),
    *(("Accept", value) for value in (b"text/html", b"*/*;q=0", b"application/json;q=2")),
    *(("X-Request-ID", value) for value in (b"r1", b"r 1", b"r" * 200)),
    *(("X-Forwarded-For", value) for value in (b"203.0.113.7", b"::ffff:10.0.0.1, 127.0.0.1", b"fe80::1%x", b"a,b,,c")),
    *(("X-Forwarded-Proto", value) for value in (b"https", b"javascript")),
    *(("Origin", value) for value in (ORIGIN.encode(), b"null", b"https://evil.example")),
    *(("Access-Control-Request-Method", value) for value in (b"PUT", b"*")),
    ("Forwarded", b'for="[2001:db8::1]";proto=https'),
    ("Host", b"shop.example"),
    ("Cookie", b"access_token=x; a"),
    ("If-Modified-Since", b"Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Expect", b"100-continue"),
    ("Content-Length", b"7"),
    ("Transfer-Encoding", b"chunked"),
)  # fmt: skip
_LOCATIONS = ("main", "back", "yard")
_NAMED = re.compile(rb"\{(\w+)\}")
_UNRETURNABLE = 0.2
_ENCODED = 0.2
_WAIT = re.compile(rb'(?i)(wait[\s"=\\]*)[0-9]+')
# The headers that an operation reads, beside what every one does.
_READ = {
    "placeOrder": ("Idempotency-Key", "Prefer"),
    "changeOrderStatus": ("If-Match",),
    "getOrder": ("If-None-Match",),
    "getProduct": ("If-None-Match",),
    "adjustStock": ("Idempotency-Key",),
    "receiveStock": ("Idempotency-Key",),
    "transferStock": ("Idempotency-Key", "If-Match"),
    "createShipment": ("Idempotency-Key", "If-Match"),
    "updateShipment": ("If-Match",),
    "cancelShipment": ("Idempotency-Key", "If-Match"),
    "createReturn": ("Idempotency-Key", "If-Match"),
    "changeOrderLines": ("Idempotency-Key", "If-Match"),
    "updateOrder": ("If-Match",),
    "importStock": ("Idempotency-Key",),
}
_HELPFUL: tuple[tuple[str, bytes], ...] = (
    ("Idempotency-Key", b'"k1"'),
    ("Prefer", b"respond-async"),
    ("If-Match", b"*"),
    ("If-None-Match", b'"1"'),
    ("X-Request-ID", b"r1"),
    ("Accept", b"*/*"),
)
_NO_HEADER_HOLDS = bytes.maketrans(b"\r\n\x00", b"???")


class Writer:
    """Writes requests to one service, with what its answers have told so far."""

    def __init__(self, chance: Chance, service: Fuzzed) -> None:
        self._chance = chance
        self._service = service

    def request(self) -> Asked:
        """Write the next one: good, or with one part of it changed, or two."""
        chance = self._chance
        operation = chance.one_of(_STILL if chance.happens(0.03) else _LIVELY)
        parts = set(chance.some_of(_PARTS, 2))
        caller = chance.one_of(CALLERS if "caller" in parts else ABLE)
        return Asked(
            caller=caller,
            method=chance.one_of(_METHODS) if chance.happens(0.02) else operation.method,
            target=self._target(operation, parts),
            headers=tuple(self._headers(operation, caller, is_changed="headers" in parts)),
            body=self._body(operation, is_changed="body" in parts),
        )

    def _target(self, operation: Operation, parts: set[str]) -> bytes:
        chance, path = self._chance, operation.path.encode()
        for named in _NAMED.findall(path):
            segment = self._segment(operation, named.decode(), is_changed="path" in parts)
            path = path.replace(b"{%s}" % named, segment, 1)
        if "path" in parts and chance.happens(0.3):
            path = b"/" + chance.changed(path)
        query = _QUERIES.get(operation.id, b"")
        if query and chance.happens(0.5):
            query = b"&".join(chance.shuffled(query.split(b"&"))[: 1 + chance.below(3)])
        if self._service.cursors and operation.id.startswith("list") and chance.happens(0.3):
            query += b"&cursor=" + self._cursor(is_changed="query" in parts)
        if "query" in parts:
            query = chance.changed(query)
        return path.replace(b"?", b"%3F") + (b"?" + query if query else b"")

    def _segment(self, operation: Operation, named: str, *, is_changed: bool) -> bytes:
        chance, service = self._chance, self._service
        if operation.id == "changeOrderStatus" and chance.happens(_UNRETURNABLE):
            return chance.one_of(service.unreturnable_ids).encode()
        known: dict[str, Callable[[], str]] = {
            "id": lambda: chance.one_of(service.order_ids),
            "sku": lambda: chance.one_of(SKUS),
            "name": lambda: chance.one_of(service.names),
            "location": lambda: chance.one_of(_LOCATIONS),
            "shipment_no": lambda: chance.one_of(("1", "2")),
            "return_no": lambda: chance.one_of(("1", "2")),
            "code": lambda: chance.one_of(sorted(ERROR_CODES)),
        }
        good = known[named]().encode()
        return quote_from_bytes(chance.changed(good) if is_changed else good, safe="").encode()

    def _cursor(self, *, is_changed: bool) -> bytes:
        chance = self._chance
        if chance.happens(0.2):
            kind = chance.one_of(("orders", "order_events", "movements", "products", "keys", "x"))
            key = chance.one_of((chance.one_of(self._service.order_ids), "1", "WIDGET", "9" * 19, chance.text("1")))
            return encode_cursor(kind, key).encode()
        cursor = chance.one_of(self._service.cursors).encode()
        return quote_from_bytes(chance.changed(cursor)).encode() if is_changed else cursor

    def _headers(self, operation: Operation, caller: str, *, is_changed: bool) -> list[tuple[str, bytes]]:
        chance = self._chance
        headers = dict(chance.some_of(_HEADERS, 2)) if is_changed else dict(chance.some_of(_HELPFUL, 1))
        if operation.method in {"POST", "PUT", "PATCH"}:
            headers["Content-Type"] = b"text/csv" if operation.id == "importStock" else b"application/json"
        if is_changed and operation.id in _READ:
            read = chance.one_of(_READ[operation.id])
            headers[read] = chance.one_of([value for name, value in _HEADERS if name == read])
        for name in [name for name in headers if is_changed and chance.happens(0.4)]:
            headers[name] = chance.changed(headers[name])
        if is_changed and chance.happens(0.1):
            headers[f"X-{chance.below(9)}"] = chance.one_of(FRAGMENTS)
        if caller != NOBODY:
            tokens = self._service.tokens
            sent = f"Bearer {tokens[chance.one_of(tuple(tokens)) if caller == BROKEN else caller]}".encode()
            headers["Authorization"] = chance.changed(sent) if caller == BROKEN else sent
        return [(name, patient(value.translate(_NO_HEADER_HOLDS))) for name, value in headers.items()]

    def _body(self, operation: Operation, *, is_changed: bool) -> bytes:
        chance = self._chance
        if operation.id == "importStock":
            return _changed_file(chance) if is_changed else _CSV
        good = self._document(operation.id)
        if good is None:
            return chance.bytes(100) if is_changed else b""
        return chance.body(good) if is_changed else to_json(good)

    def _document(self, operation: str) -> object:
        """Give a good document for an operation that takes one, and None for any other."""
        chance = self._chance
        keyed = {"idempotency_key": f"b{chance.below(50)}"}
        letters = [*self._service.letter_ids, "letter", "nobody's"]
        stock = {"on_hand": 500_000 + chance.below(500_000), "reason": "counted", "location": "main"}
        named = ({}, {"name": "W"}, {"low_stock_threshold": None}, {"expected_on_hand": 1}, {"kept_back": 3})
        scopes = chance.some_of([scope.value for scope in Scope], 3)
        bound = {"customer_id": chance.one_of((CUSTOMER, None)), "expires_at": "2090-01-01T00:00:00Z"}
        back = {"line_no": 1, "quantity": 1, "disposition": chance.one_of(_DISPOSITIONS)}
        quantity = chance.below(4)
        lines = ({"line_no": 1, "quantity": quantity}, {"sku": "WIDGET", "quantity": quantity + 1, "unit_price": "1"})
        good: dict[str, object] = {
            "placeOrder": self._order(),
            "placeOrders": {"orders": [self._order() | keyed, self._order()]},
            "changeOrderStatus": {"status": chance.one_of(_STATUSES), "reason": "as asked"},
            "changeOrderLines": {"lines": [chance.one_of(lines)], "reason": "as asked"},
            "updateOrder": {"reference": chance.one_of(("R", None)), "metadata": {"note": chance.one_of(("n", None))}},
            "retryOrder": {"reason": "again"},
            "retryOrders": {"status": ["rejected"], "customer_id": CUSTOMER, "limit": 1},
            "replayDeadLetters": {"ids": [chance.one_of(letters)]},
            "discardDeadLetters": {"ids": [chance.one_of(letters)]},
            "setStock": stock | chance.one_of(named),
            "adjustStock": {"delta": chance.one_of((1, -1, 5)), "reason": "counted", "reference": "R"},
            "receiveStock": {"quantity": 1 + chance.below(9), "location": chance.one_of(_LOCATIONS), "reference": "R"},
            "transferStock": {"from": "main", "to": chance.one_of(_LOCATIONS[1:]), "quantity": 1 + chance.below(9)},
            "setLocation": {"kind": chance.one_of(("stock", "stock", "quarantine")), "note": "behind the hall"},
            "createShipment": {"carrier": "DHL", "lines": [{"line_no": 1, "quantity": 1}]},
            "updateShipment": {"tracking_number": "1Z", "carrier": None},
            "cancelShipment": {"reason": "as asked"},
            "createReturn": {"lines": [back], "reference": "R"},
            "createKey": {"name": f"n{chance.below(10**6)}", "scopes": scopes} | bound,
            "rotateKey": {"overlap_seconds": chance.one_of((0, 60)), "expires_at": None},
        }
        return good.get(operation)

    def _order(self) -> dict[str, Any]:
        chance = self._chance
        line = {"sku": chance.one_of(SKUS), "quantity": 1 + chance.below(3), "unit_price": "12.50"}
        return {
            "customer_id": chance.one_of((CUSTOMER, CUSTOMER, STRANGER)),
            "lines": [line] * (1 + chance.below(2)),
            "currency": "EUR",
            "reference": "R1",
            "metadata": {"channel": "web"},
        }


def _changed_file(chance: Chance) -> bytes:
    return chance.encoded(_CSV) if chance.happens(_ENCODED) else chance.changed(_CSV, ways=4)


def patient(value: bytes) -> bytes:
    """Take the wait out of a preference: nobody places what is accepted here, and each would take its seconds."""
    return _WAIT.sub(rb"\g<1>0", value)
