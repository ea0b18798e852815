"""The service that is asked: its application in this process, callers of every kind, and what each may not be shown."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

import psycopg2
from flask import Flask
from oms_memory import MemoryBroker
from psycopg2 import sql
from werkzeug.test import TestResponse, run_wsgi_app
from werkzeug.wrappers import Request

from oms_core import (
    ALL_SCOPES,
    Caller,
    ChangeOrderStatus,
    CreateApiKey,
    Oms,
    OrderLine,
    OrderStatus,
    PlaceOrder,
    Scope,
    SetStock,
    Settings,
)
from oms_core.domain.limits import COUNT_MAX
from oms_core.ports.broker import DeadLetter, MessageKind
from oms_http.app import create_app
from oms_http.settings import HttpSettings
from tests.access_cells import UNREADABLE, settle

STAFF = Caller(name="staff", scopes=ALL_SCOPES)
SKUS = ("WIDGET", "GADGET", "Café", "A B", "import", "'", "=1+1")
# A shelf that holds as much as can be counted, while orders of it are still with their customers.
FULL = "FULL"
CUSTOMER = "C1"
STRANGER = "C2"
# Stands in all that belongs to the other customer, and in no request.
CANARY = "canary-7f3a9c51"
NOBODY, WRONG, BROKEN, BOUND, ADMIN = "nobody", "wrong", "broken", "bound", "admin"
SCOPES: dict[str, frozenset[Scope]] = {
    "reader": frozenset({Scope.ORDERS_READ}),
    "buyer": frozenset({Scope.ORDERS_READ, Scope.ORDERS_WRITE}),
    "clerk": frozenset({Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.ORDERS_MANAGE}),
    "storeman": frozenset({Scope.INVENTORY_READ, Scope.INVENTORY_WRITE}),
    BOUND: ALL_SCOPES - {Scope.ADMIN, Scope.INVENTORY_WRITE},
    ADMIN: frozenset({Scope.ADMIN}),
}
CALLERS = (NOBODY, WRONG, BROKEN, *SCOPES)
ABLE = (ADMIN, ADMIN, ADMIN, "clerk", BOUND)
SHOWN_NOTHING_OF_OTHERS = frozenset({NOBODY, WRONG, BROKEN, BOUND})
# Of the seeded orders, by turns one customer's and the other's: the later ones are queued, the last ones rejected.
_ACCEPTED_FROM, _REJECTED_FROM = 6, 8
LARGE_ORDERS, LARGE_ORDER_LINES = 4, 900
PROXY, ORIGIN = "127.0.0.1", "https://shop.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, byte by byte; `able` if its caller has a key, whatever that may do."""

    caller: str
    method: str
    target: bytes
    headers: tuple[tuple[str, bytes], ...]
    body: bytes

    def __str__(self) -> str:
        return f"{self.caller}: {self.method} {self.target!r} {list(self.headers)!r} {self.body[:2_000]!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, after how many seconds, and what was logged meanwhile."""

    response: TestResponse
    seconds: float
    logged: tuple[str, ...]


class Log(logging.Handler):
    """Keeps what is logged as an error or with a traceback, until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self._found.append(self.format(record))

    def taken(self) -> tuple[str, ...]:
        found, self._found = tuple(self._found), []
        return found


@dataclass
class Fuzzed:
    """One open service, filled, with the keys of its callers, and what its answers have named so far."""

    oms: Oms
    app: Flask
    log: Log
    tokens: dict[str, str]
    order_ids: list[str]
    cursors: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: ["spare"])
    letter_ids: list[str] = field(default_factory=list)
    unreturnable_ids: list[str] = field(default_factory=list)

    def ask(self, asked: Asked) -> Answer:
        """Send a request through WSGI, as a server would that passes on whatever it gets."""
        path, _, query = asked.target.partition(b"?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": asked.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8080",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": PROXY,
            "HTTP_HOST": "127.0.0.1:8080",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(asked.body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in asked.headers:
            key = name.upper().replace("-", "_")
            key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
            environ[key] = value.decode("latin-1")
        began = time.monotonic()
        answer = run_wsgi_app(self.app, environ, buffered=True)
        seconds = time.monotonic() - began
        return Answer(
            response=TestResponse(*answer, request=Request(environ)), seconds=seconds, logged=self.log.taken()
        )


@contextmanager
def fuzzed(database_url: str, *, rate_limits: str = "off") -> Iterator[Fuzzed]:
    """Open a service that asks for keys, stands behind a proxy and lets one site read, and fill it."""
    log = Log()
    logging.getLogger().addHandler(log)
    settings = Settings(
        database_url=database_url,
        auth="keys",
        rate_limits=rate_limits,
    )
    try:
        with Oms.open(settings) as oms:
            oms.schema.upgrade()
            order_ids = _fill(oms)
            yield Fuzzed(
                oms=oms,
                app=create_app(oms, settings=HttpSettings(trusted_proxies=(PROXY,), cors_origins=(ORIGIN,))),
                log=log,
                tokens=_keys(oms),
                order_ids=order_ids,
                unreturnable_ids=_fill_to_the_brim(oms),
            )
    finally:
        logging.getLogger().removeHandler(log)


def _keys(oms: Oms) -> dict[str, str]:
    tokens = {WRONG: f"oms_{'0' * 32}_{'f' * 64}"}
    for name, scopes in SCOPES.items():
        bound_to = CUSTOMER if name == BOUND else None
        tokens[name] = oms.api_keys.create(
            CreateApiKey(name=name, scopes=scopes, customer_id=bound_to), caller=STAFF
        ).token
    oms.api_keys.create(CreateApiKey(name="spare", scopes=ALL_SCOPES), caller=STAFF)
    return tokens


def _fill(oms: Oms) -> list[str]:
    for sku in SKUS:
        oms.stock.set(SetStock(sku=sku, on_hand=1_000_000, name=sku, low_stock_threshold=10), caller=STAFF)
    ids = []
    for number, customer_id in enumerate((CUSTOMER, STRANGER) * 6):
        make = oms.orders.accept if number >= _ACCEPTED_FROM else oms.orders.place
        ids.append(make(_order(customer_id, number), caller=STAFF).order.id)
    for order_id in ids[_REJECTED_FROM:]:
        settle(oms, order_id)
    for number in (2, 3):
        _move(oms, ids[number], OrderStatus.SHIPPED, _told(number))
    for number in (4, 5):
        _move(oms, ids[number], OrderStatus.CANCELLED, _told(number))
    if isinstance(oms._ports.broker, MemoryBroker):
        theirs = DeadLetter(
            id="theirs",
            kind=MessageKind.COMMAND,
            code="malformed_json",
            detail="cut",
            body=CANARY.encode(),
            died_at=None,
        )
        oms._ports.broker.exchange.dead.extend([UNREADABLE, theirs])
    return [str(order_id) for order_id in ids]


def _fill_to_the_brim(oms: Oms) -> list[str]:
    """Ship orders, then count as much as a level can hold: what comes back has no room."""
    oms.stock.set(SetStock(sku=FULL, on_hand=2), caller=STAFF)
    line = OrderLine(sku=FULL, quantity=1)
    ids = [oms.orders.place(PlaceOrder(customer_id=CUSTOMER, lines=[line]), caller=STAFF).order.id for _ in range(2)]
    for order_id in ids:
        _move(oms, order_id, OrderStatus.SHIPPED, _told(0))
    oms.stock.set(SetStock(sku=FULL, on_hand=COUNT_MAX), caller=STAFF)
    return [str(order_id) for order_id in ids]


def speak_latin_1(postgresql_url: str) -> None:
    """Make every client of a database that does not say better speak Latin-1 with it."""
    with closing(psycopg2.connect(postgresql_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone() or ("",)
        cursor.execute(sql.SQL("ALTER DATABASE {} SET client_encoding = 'LATIN1'").format(sql.Identifier(name)))


def add_large_orders(oms: Oms) -> None:
    """Place orders that a page of them is larger than what an answer may hold in memory."""
    for number in range(LARGE_ORDERS):
        lines = [OrderLine(sku=SKUS[0], quantity=1)] * LARGE_ORDER_LINES
        metadata = {f"note-{each}": _told(0) * 100 for each in range(10)}
        oms.orders.place(
            PlaceOrder(customer_id=CUSTOMER, lines=lines, metadata=metadata, idempotency_key=f"large-{number}"),
            caller=STAFF,
        )


def _move(oms: Oms, order_id: UUID, status: OrderStatus, reason: str) -> None:
    oms.orders.change_status(ChangeOrderStatus(order_id=order_id, status=status, reason=reason), caller=STAFF)


def _told(number: int) -> str:
    """Give what is written of an order: every other one is the other customer's."""
    return CANARY if number % 2 else "mine"


def _order(customer_id: str, number: int) -> PlaceOrder:
    return PlaceOrder(
        customer_id=customer_id,
        lines=[OrderLine(sku=SKUS[number % len(SKUS)], quantity=1 if number < _REJECTED_FROM else 10**6)] * 2,
        reference=_told(number),
        metadata={"note": _told(number)},
        idempotency_key=f"{customer_id}-{number}",
    )
