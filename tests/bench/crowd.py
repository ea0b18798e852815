"""A crowd of buyers who all want the same product at the same moment, sent from a process of its own."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.bench.load import post

TRIES_MAX = 20
ANSWER_SECONDS_MAX = 30.0
NO_ANSWER = "no_answer"
SOLD = "sold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """`buyers` who want one unit of `sku` each, over `connections` that are all open before the first order is sent.

    A buyer who is told to come back (503) or loses the connection tries again with the same idempotency key.
    """

    host: str
    port: int
    sku: str
    buyers: int
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What one buyer got: "sold", or the code of the refusal; the seconds to that answer; the tries before it.

    `answered_at` counts seconds from a moment that all buyers share.
    """

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
    buyers = iter(range(crowd.buyers))
    tills = [_Till(crowd) for _ in range(min(crowd.connections, crowd.buyers))]
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
        request = _order(self._crowd.sku, number)
        began = time.perf_counter()
        come_back = lost = 0
        outcome = NO_ANSWER
        while outcome == NO_ANSWER and come_back + lost < TRIES_MAX:
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    answer = await self._ask(request)
            except (OSError, EOFError, TimeoutError):
                lost += 1
                self.disconnect()
                continue
            if answer.status == 503:
                come_back += 1
                await asyncio.sleep(answer.retry_after_seconds)
            else:
                outcome = SOLD if answer.status == 201 else answer.code
        ended = time.perf_counter()
        return Bought(
            outcome=outcome,
            answered_at=ended,
            seconds=ended - began,
            told_to_come_back=come_back,
            connections_lost=lost,
        )

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
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the demonstration needs of an answer; `code` is a problem's."""

    status: int
    retry_after_seconds: float
    code: str


def _order(sku: str, number: int) -> bytes:
    document = {"customer_id": f"buyer-{number}", "lines": [{"sku": sku, "quantity": 1, "unit_price": "9.99"}]}
    return post("/v1/orders", json.dumps(document).encode(), headers={"Idempotency-Key": f'"{sku}-{number}"'})
