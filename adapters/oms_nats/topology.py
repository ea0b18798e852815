"""The names at the broker and their declaration, which changes nothing that exists already (docs/queue.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, RetentionPolicy, StreamConfig
from nats.js.errors import NotFoundError

from oms_core.errors import OmsError
from oms_nats.faults import unavailable

# A full stream refuses, and loses nothing. Only counts are bounded: room in bytes would be reserved beforehand.
WAITING_MAX: Final = 1_000_000
EVENTS_MAX: Final = 10_000_000
# A message comes again so long after its worker last said that it is working on it.
ACK_WAIT_SECONDS: Final = 15.0
UNFINISHED_MAX: Final = 50_000  # Of all workers together; each takes at most 200 of a kind.
DUPLICATES_SECONDS: Final = 120.0
_REPLICAS_IN_A_CLUSTER = 3
_CONSUMER = "workers"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of everything declared at the broker; a stream whose properties change gets a new version.

    Streams have no dots in their names, subjects do.
    """

    prefix: str

    @property
    def orders(self) -> str:
        """The subject of announced order ids."""
        return f"{self.prefix}.orders"

    @property
    def commands(self) -> str:
        """The subject to which other services publish commands; so they may to any subject below it."""
        return f"{self.prefix}.commands"

    @property
    def dead(self) -> str:
        """The subject of dead letters."""
        return f"{self.prefix}.dead"

    @property
    def events(self) -> str:
        """The subject below which events are published."""
        return f"{self.prefix}.events"

    def stream(self, subject: str) -> str:
        """Return the name of the stream that keeps a subject."""
        return f"{subject.replace('.', '_')}_v1"

    @property
    def consumer(self) -> str:
        """The durable consumer of a stream that all workers share."""
        return _CONSUMER


def read_names(prefix: str) -> Names:
    """Check a prefix. Raise `invalid_setting`."""
    if "" in prefix.split("."):
        raise OmsError("invalid_setting", "OMS_QUEUE_PREFIX must have no empty part between dots where NATS is used")
    return Names(prefix)


async def declare(jetstream: JetStreamContext, names: Names, *, replicas: int | None, in_cluster: bool) -> None:
    """Declare whatever is missing. Raise `queue_unavailable`, also when a stream exists for other uses."""
    copies = replicas or (_REPLICAS_IN_A_CLUSTER if in_cluster else 1)
    for config in _streams(names, copies):
        await _declare_stream(jetstream, config)
    for subject in (names.orders, names.commands):
        await _declare_consumer(jetstream, names.stream(subject), names.consumer)


def _streams(names: Names, replicas: int) -> list[StreamConfig]:
    """Return the streams: work queues for workers, a log of dead letters, and events for those who subscribed."""
    common = StreamConfig(discard=DiscardPolicy.NEW, num_replicas=replicas, duplicate_window=DUPLICATES_SECONDS)
    queue = replace(common, retention=RetentionPolicy.WORK_QUEUE, max_msgs=WAITING_MAX)
    kept = replace(common, retention=RetentionPolicy.LIMITS, max_msgs=WAITING_MAX)
    wanted = replace(common, retention=RetentionPolicy.INTEREST, max_msgs=EVENTS_MAX)
    return [
        replace(queue, name=names.stream(names.orders), subjects=[names.orders]),
        replace(queue, name=names.stream(names.commands), subjects=[names.commands, f"{names.commands}.>"]),
        replace(kept, name=names.stream(names.dead), subjects=[names.dead]),
        replace(wanted, name=names.stream(names.events), subjects=[f"{names.events}.>"]),
    ]


async def _declare_stream(jetstream: JetStreamContext, config: StreamConfig) -> None:
    assert config.name  # noqa: S101  For the type checker.
    try:
        found = (await jetstream.stream_info(config.name)).config
    except NotFoundError:
        await jetstream.add_stream(config)
        return
    if found.retention != config.retention or set(found.subjects or []) != set(config.subjects or []):
        raise unavailable(f"the stream {config.name} is there with another retention or other subjects")


async def _declare_consumer(jetstream: JetStreamContext, stream: str, name: str) -> None:
    """Declare the workers' consumer. It has no limit of deliveries: attempts are counted in the order's row."""
    try:
        found = (await jetstream.consumer_info(stream, name)).config
    except NotFoundError:
        await jetstream.add_consumer(
            stream,
            ConsumerConfig(
                durable_name=name,
                deliver_policy=DeliverPolicy.ALL,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT_SECONDS,
                max_deliver=-1,
                max_ack_pending=UNFINISHED_MAX,
            ),
        )
        return
    if found.ack_policy != AckPolicy.EXPLICIT or found.deliver_subject:
        raise unavailable(f"the consumer {name} of the stream {stream} is there and hands out messages otherwise")
