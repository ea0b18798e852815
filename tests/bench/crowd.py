"""A crowd of buyers who all want the same product at the same moment, sent from a process of its own."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.bench.load import post

TRIES_MAX = 20
ANSWER_SECONDS_MAX = 30.0
NO_ANSWER = "no_answer"
SOLD = "sold"
NEVER_PAID = "never_paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """`buyers`, by number, who want one unit of `sku` each, over `connections` that are open before the first order.

    With `hold_seconds` each holds a unit, then pays and confirms; those of `unpaid` hold and never pay. A buyer who is
    told to come back (503) or loses the connection tries again with the same idempotency key.
    """

    host: str
    port: int
    sku: str
    buyers: Sequence[int]
    connections: int
    hold_seconds: int = 0
    unpaid: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What one buyer got: "sold", "never_paid", or the code of the refusal; the seconds to it; the tries before.

    `answered_at` counts seconds from a moment that all buyers share.
    """

    buyer: int
    outcome: str
    answered_at: float
    seconds: float
    told_to_come_back: int
    connections_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What became of every buyer, and the seconds from the first order to the last answer."""

    seconds: float
    bought: list[Bought]


def send_crowd(crowd: Crowd) -> Sale:
    """Send the crowd and wait until each buyer has an answer, or 20 tries without one."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_send, crowd).result()


def _send(crowd: Crowd) -> Sale:
    return asyncio.run(_sale(crowd))


async def _sale(crowd: Crowd) -> Sale:
    buyers = iter(crowd.buyers)
    tills = [_Till(crowd) for _ in range(min(crowd.connections, len(crowd.buyers)))]
    await asyncio.gather(*(till.connect() for till in tills))
    began = time.perf_counter()
    bought = await asyncio.gather(*(till.serve(buyers) for till in tills))
    seconds = time.perf_counter() - began
    for till in tills:
        till.disconnect()
    return Sale(seconds=seconds, bought=[entry for entries in bought for entry in entries])


class _Till:
    """One connection, and the buyers that queue at it."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._crowd.host, self._crowd.port)
        return self._streams

    def disconnect(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None

    async def serve(self, buyers: Iterator[int]) -> list[Bought]:
        return [await self._buy(number) for number in buyers]

    async def _buy(self, number: int) -> Bought:
        began = time.perf_counter()
        tries = _Tries()
        answer = await self._insist(_order(self._crowd, number), tries)
        outcome = NEVER_PAID if number in self._crowd.unpaid and answer.is_good else _outcome(answer)
        if outcome == SOLD and self._crowd.hold_seconds:
            outcome = _outcome(await self._insist(_payment(self._crowd, number, answer.order_id), tries))
        ended = time.perf_counter()
        return Bought(
            buyer=number,
            outcome=outcome,
            answered_at=ended,
            seconds=ended - began,
            told_to_come_back=tries.told_to_come_back,
            connections_lost=tries.connections_lost,
        )

    async def _insist(self, request: bytes, tries: _Tries) -> _Answer:
        """Ask until there is an answer, or 20 times."""
        for _ in range(TRIES_MAX):
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    answer = await self._ask(request)
            except (OSError, EOFError, TimeoutError):
                tries.connections_lost += 1
                self.disconnect()
                continue
            if answer.status != 503:
                return answer
            tries.told_to_come_back += 1
            await asyncio.sleep(answer.retry_after_seconds)
        return _Answer(status=0, retry_after_seconds=0, code=NO_ANSWER, order_id="")

    async def _ask(self, request: bytes) -> _Answer:
        reader, writer = await self.connect()
        writer.write(request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = json.loads(await reader.readexactly(int(fields["content-length"])))
        return _Answer(
            status=int(head.split(" ", 2)[1]),
            retry_after_seconds=float(fields.get("retry-after", "0")),
            code=str(body.get("code")),
            order_id=str(body.get("id")),
        )


@dataclass(slots=True)
class _Tries:
    """How often one buyer asked for nothing."""

    told_to_come_back: int = 0
    connections_lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the demonstration needs of an answer; `code` is a problem's, `order_id` an order's."""

    status: int
    retry_after_seconds: float
    code: str
    order_id: str

    @property
    def is_good(self) -> bool:
        return self.status in {200, 201}


def _outcome(answer: _Answer) -> str:
    return SOLD if answer.is_good else answer.code


def _order(crowd: Crowd, number: int) -> bytes:
    document: dict[str, object] = {
        "customer_id": f"buyer-{number}",
        "lines": [{"sku": crowd.sku, "quantity": 1, "unit_price": "9.99"}],
    }
    if crowd.hold_seconds:
        document["hold_seconds"] = crowd.hold_seconds
    return _post("/v1/orders", document, f"{crowd.sku}-{number}")


def _payment(crowd: Crowd, number: int, order_id: str) -> bytes:
    payment = f"{crowd.sku}-{number}-paid"
    return _post(f"/v1/orders/{order_id}/confirm", {"payment_reference": payment}, payment)


def _post(path: str, document: object, key: str) -> bytes:
    return post(path, json.dumps(document).encode(), headers={"Idempotency-Key": f'"{key}"'})
