"""A NATS server as other services use it: plain nats-py, for what the port does not offer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError
from oms_nats import open_broker
from oms_nats.topology import Names

from oms_core.ports.broker import BrokerOptions

T = TypeVar("T")

TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class NatsPlace:
    """One server, and the prefix of the names that belong to this test."""

    url: str
    prefix: str

    def run(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Do something over a connection of its own."""

        async def connected() -> T:
            client = await nats.connect(self.url, allow_reconnect=False, connect_timeout=TIMEOUT_SECONDS)
            try:
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(connected())

    @property
    def names(self) -> Names:
        """The names that the adapter declares."""
        return Names(self.prefix)

    def stream(self, queue: str) -> str:
        """Give the name of a stream: of orders, commands, dead or events. `orders.v1` is the same, as RabbitMQ's."""
        return self.names.stream(f"{self.prefix}.{queue.removesuffix('.v1')}")

    @property
    def message_bytes_max(self) -> int:
        """The largest message that the server takes."""

        async def ask(client: Client) -> int:
            return client.max_payload

        return self.run(ask)

    def send(self, subject: str, *bodies: bytes, headers: dict[str, str] | None = None) -> None:
        """Publish messages below the prefix, each stored before the next."""

        async def publish(client: Client) -> None:
            for body in bodies:
                await client.jetstream(timeout=TIMEOUT_SECONDS).publish(
                    f"{self.prefix}.{subject}", body, headers=headers
                )

        self.run(publish)

    def send_command(self, body: bytes) -> None:
        """Publish a command, stored."""
        self.send("commands.place-order", body)

    def send_announcement(self, body: bytes) -> None:
        """Publish what passes for an announcement, stored."""
        self.send("orders", body)

    def waiting(self, queue: str) -> int:
        """Count the messages of a work queue that nobody has been given, of another stream all."""
        if queue == "dead.v1":
            return self.left(queue)

        async def ask(client: Client) -> int:
            try:
                consumer = await client.jetstream().consumer_info(self.stream(queue), self.names.consumer)
            except NotFoundError:
                return 0
            return consumer.num_pending or 0

        return self.run(ask)

    def left(self, queue: str) -> int:
        """Count the messages that are not acknowledged."""
        return self.kept(queue)

    def kept(self, queue: str) -> int:
        """Count the messages of a stream: for a work queue those that are not acknowledged."""

        async def ask(client: Client) -> int:
            try:
                return (await client.jetstream().stream_info(self.stream(queue))).state.messages
            except NotFoundError:
                return 0

        return self.run(ask)

    def bound(self, queue: str, *, messages_max: int) -> None:
        """Let a stream take no more messages, as an administrator may."""

        async def ask(client: Client) -> None:
            config = (await client.jetstream().stream_info(self.stream(queue))).config
            await client.jetstream().update_stream(replace(config, max_msgs=messages_max))

        self.run(ask)

    def delete(self, queue: str) -> None:
        """Delete a stream."""

        async def ask(client: Client) -> None:
            with suppress(NotFoundError):
                await client.jetstream().delete_stream(self.stream(queue))

        self.run(ask)

    def delete_all(self) -> None:
        """Leave nothing of this test."""
        for queue in ("orders", "commands", "dead", "events"):
            self.delete(queue)


class NatsEvents:
    """A durable consumer of every event of orders, which outlives the server's restarts."""

    def __init__(self, url: str, prefix: str, subject: str = "order.>") -> None:
        self._place = NatsPlace(url, prefix)
        self._name = "subscriber"
        broker = open_broker(url, BrokerOptions(prefix=prefix))
        broker.dead_letters().list(limit=1)  # Declares the streams.
        broker.close()
        config = ConsumerConfig(durable_name=self._name, filter_subject=f"{prefix}.events.{subject}")

        async def add(client: Client) -> None:
            await client.jetstream().add_consumer(self._place.stream("events"), config)

        self._place.run(add)

    def messages(self) -> list[Msg]:
        """Give what has come, and acknowledge it."""

        async def fetch(client: Client) -> list[Msg]:
            found: list[Msg] = []
            consumer = await client.jetstream().pull_subscribe_bind(self._name, self._place.stream("events"))
            try:
                while True:
                    messages = await consumer.fetch(100, timeout=0.3)
                    for message in messages:
                        await message.ack()
                    found += messages
            except TimeoutError:
                await client.flush()
                return found

        return self._place.run(fetch)

    def read(self) -> list[bytes]:
        """Give what has come; nothing while the server is away."""
        try:
            return [message.data for message in self.messages()]
        except (Error, OSError):
            return []
