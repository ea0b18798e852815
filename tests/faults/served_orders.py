"""Orders sent to a real `oms serve` all at once, over connections that are open before the first is sent."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped, unused-ignore]

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, PlaceOrder, SetStock, Settings
from tests.cli.programs import Program
from tests.cli.serving import Service, serving
from tests.services.tcp import LOOPBACK
from tests.services.waiting import wait_until

ANSWER_SECONDS = 60
SKU = "HOT"
CLERK = Caller(name="clerk", scopes=ALL_SCOPES)


@dataclass(frozen=True, slots=True)
class Told:
    """What one buyer was told."""

    status: int
    replayed: bool
    document: Any

    @property
    def code(self) -> str | None:
        """The code of a refusal."""
        code: str | None = self.document.get("code")
        return code


@dataclass(frozen=True, slots=True)
class Served:
    """A service, and the same system opened beside it."""

    service: Service
    oms: Oms

    def send(self, requests: Sequence[bytes]) -> list[socket.socket]:
        """Send each on a connection of its own, and wait for no answer."""
        connections = [socket.create_connection((LOOPBACK, self.service.port), ANSWER_SECONDS) for _ in requests]
        for connection, request in zip(connections, requests, strict=True):
            connection.sendall(request)
        return connections

    def ask(self, requests: Sequence[bytes]) -> list[Told]:
        """Send all at once, and return the answers in their order."""
        return [answer_on(connection) for connection in self.send(requests)]

    def buy_until_refused(self, customer: str) -> tuple[list[str], str | None]:
        """Buy one unit after another on one connection; return the ids of the orders, and the refusal's code."""
        connection = http.client.HTTPConnection(LOOPBACK, self.service.port, timeout=ANSWER_SECONDS)
        bought: list[str] = []
        while True:
            connection.request("POST", "/v1/orders", json.dumps(document(customer)), {"Content-Type": MEDIA_TYPE})
            answer = connection.getresponse()
            told = json.loads(answer.read())
            if answer.status != 201:
                connection.close()
                return bought, told["code"]
            bought.append(told["id"])

    def buy_directly(self, orders: int) -> None:
        """Buy units past the service, one by one, until it is refused."""
        with suppress(OmsError):
            for _ in range(orders):
                self.oms.orders.place(
                    PlaceOrder(customer_id="rival", lines=[OrderLine(sku=SKU, quantity=1)]), caller=CLERK
                )

    def is_refusing(self) -> bool:
        """Return whether it takes no new connections."""
        try:
            socket.create_connection((LOOPBACK, self.service.port), ANSWER_SECONDS).close()
        except OSError:
            return True
        return False

    def sold(self) -> int:
        """Return how many units are reserved, after an audit that found nothing."""
        report = self.oms.audit(caller=CLERK)
        assert not report.discrepancies
        product = self.oms.stock.get(SKU, caller=CLERK)
        assert product.reserved == report.orders, "each order is for one unit"
        return product.reserved

    def worker(self) -> psutil.Process:
        """Return the one process that answers."""
        return wait_until(self._worker, ANSWER_SECONDS, "a process answers")

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Have what is sent within a block taken up together, after it."""
        worker = self.worker()
        worker.suspend()
        try:
            yield
        finally:
            worker.resume()

    def _worker(self) -> psutil.Process | None:
        with suppress(OSError, http.client.HTTPException):
            if self.service.ask("GET", "/healthz")[0] == 200:
                children = psutil.Process(self.service.process.pid).children()
                (answering,) = [child for child in children if is_answering(child)]
                return answering
        return None


def is_answering(process: psutil.Process) -> bool:
    """Return whether a child of the server is a process that answers: it has a thread for each request."""
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE and process.num_threads() > 4
    return False


MEDIA_TYPE = "application/json"
# One process, which takes on all buyers at once.
BOUNDS = {
    "OMS_HTTP_PROCESSES": "1",
    "OMS_HTTP_THREADS": "400",
    "OMS_HTTP_IN_FLIGHT_MAX": "1000",
    "OMS_HTTP_LATENCY_TARGET_MS": "0",
}


def document(customer: str) -> dict[str, Any]:
    return {"customer_id": customer, "lines": [{"sku": SKU, "quantity": 1}]}


def order(key: str | None = None, *, customer: str = "C1", fields: str = "") -> bytes:
    """The bytes of a request that buys one unit."""
    body = json.dumps(document(customer)).encode()
    if key is not None:
        fields += f"Idempotency-Key: {key}\r\n"
    head = f"POST /v1/orders HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Type: {MEDIA_TYPE}\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n{fields}\r\n".encode() + body


def answer_on(connection: socket.socket) -> Told:
    """Read an answer, and close the connection."""
    with connection:
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        replayed = response.getheader("Idempotent-Replayed") == "true"
        return Told(response.status, replayed, json.loads(response.read()))


@contextmanager
def shop(folder: Path, url: str, *, on_hand: int, seen_at: str = "", **variables: str) -> Iterator[Served]:
    """Serve a shop with so many units; the service reaches its database at `seen_at`, if that is given."""
    with Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku=SKU, on_hand=on_hand), caller=CLERK)
        program = Program(folder=folder, database_url=seen_at or url).under(**{**BOUNDS, **variables})
        with serving(program) as service:
            yield Served(service, oms)
