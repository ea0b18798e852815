"""A worker with good and bad messages before it, round after round, and what must hold after each."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from uuid import UUID

from oms_memory import MemoryStorage

from oms_core import Order, OrderStatus
from oms_core.errors import ERROR_CODES
from oms_core.ports.broker import Message, MessageKind
from oms_core.use_cases.audit import audit
from oms_core.use_cases.databases import Databases
from tests.core.worker.worker_fixtures import WORKER, ScriptedInbox, WorkerHarness
from tests.fuzz.chance import Chance
from tests.fuzz.messages import Good, MessageWriter
from tests.fuzz.service import Log
from tests.fuzz.tally import Tally

_MESSAGES_PER_ROOM = 4_000
_MESSAGES_PER_ROUND = 250
_GOOD_PER_ROUND = 10
_STOCK = 1_000_000


def work_through(*, seed: str, messages: int) -> Tally:
    """Let workers take so many messages, in harnesses of their own, and judge each round."""
    tally, log = Tally(), Log()
    logging.getLogger().addHandler(log)
    try:
        for number, start in enumerate(range(0, messages, _MESSAGES_PER_ROOM)):
            harness = _FuzzedHarness(Chance(f"{seed}/{number}"), log)
            left = min(_MESSAGES_PER_ROOM, messages - start)
            for first in range(0, left, _MESSAGES_PER_ROUND):
                tally += harness.round(min(_MESSAGES_PER_ROUND, left - first))
    finally:
        logging.getLogger().removeHandler(log)
    return tally


class _FuzzedHarness:
    """One database with orders of several statuses, and what was queued in it by the round before."""

    def __init__(self, chance: Chance, log: Log) -> None:
        self._chance = chance
        self._log = log
        self._harness = WorkerHarness()
        self._harness.shop.set("A", _STOCK)
        assert isinstance(self._harness.storage, MemoryStorage)
        self._tables = self._harness.storage.tables
        self._known = self._harness.queue_up(4)
        for order_id in self._known[:2]:
            self._harness.shop.move(order_id, OrderStatus.CANCELLED)
        self._accepted: list[UUID] = []
        self._rounds = 0

    def round(self, count: int) -> Tally:
        """Work through so many messages, some of them good; say what is wrong afterwards."""
        good = self._good(count)
        messages = self._messages(count, good)
        before, inboxes = dict(self._tables.orders), len(self._harness.inboxes)
        inbox = self._harness.work(messages)
        tally = Tally(tried=len(messages))
        tally.outcomes.update({"acknowledged": len(inbox.acknowledged), "dead_lettered": len(inbox.dead_lettered)})
        if len(self._harness.inboxes) != inboxes + 1:
            tally.failures.append(f"the worker began anew {len(self._harness.inboxes) - inboxes - 1} times")
        tally.failures += self._log.taken()
        tally.failures += faults_in_hand(messages, inbox)
        tally.failures += self._faults_of_good(good)
        tally.failures += self._faults_of_rows(before, inbox)
        report = audit(caller=WORKER, databases=Databases(primary=self._harness.storage))
        tally.failures += [f"the audit says {found}" for found in report.discrepancies]
        self._accepted = [self._tables.order_keys[WORKER.name, key].order_id for key in good.keys if self._has(key)]
        return tally

    def _good(self, count: int) -> Good:
        self._rounds += 1
        good_count = min(_GOOD_PER_ROUND, count // 3)
        return Good(
            order_ids=[*self._accepted, *self._harness.queue_up(good_count)],
            keys=[f"good-{self._rounds}-{number}" for number in range(good_count)],
        )

    def _messages(self, count: int, good: Good) -> list[Message]:
        writer = MessageWriter(self._chance, self._known)
        halves = good.order_ids[::2], good.order_ids[1::2]
        messages = [writer.announcement(*half) for half in halves if half]
        messages += [writer.command(key) for key in good.keys]
        messages += [writer.bad() for _ in range(count - len(messages))]
        return self._chance.shuffled(messages)

    def _has(self, key: str) -> bool:
        return (WORKER.name, key) in self._tables.order_keys

    def _faults_of_good(self, good: Good) -> Iterator[str]:
        for order_id in good.order_ids:
            order = self._tables.orders[order_id]
            if order.status is not OrderStatus.PENDING:
                yield f"a good order is {order.status}: {order}"
        for key in good.keys:
            if not self._has(key):
                yield f"a good command was not accepted: {key}"

    def _faults_of_rows(self, before: dict[UUID, Order], inbox: ScriptedInbox) -> Iterator[str]:
        """Say which rows changed that no acknowledged message names, by a reading of its own."""
        read = [(message.kind, _read(message.body)) for message in inbox.acknowledged]
        named = {name for kind, document in read if kind is MessageKind.ORDER_IDS for name in document["order_ids"]}
        named = {name.lower() for name in named}
        keys = {document["idempotency_key"] for kind, document in read if kind is MessageKind.COMMAND}
        keyed = {self._tables.order_keys[WORKER.name, key].order_id for key in keys if self._has(key)}
        for order_id, order in self._tables.orders.items():
            if before.get(order_id) != order and str(order_id) not in named and order_id not in keyed:
                yield f"an order changed that no acknowledged message names: {order}"
        if before.keys() - self._tables.orders.keys():
            yield "an order is gone"


def faults_in_hand(messages: Sequence[Message], inbox: ScriptedInbox) -> Iterator[str]:
    """Say which messages are neither acknowledged nor dead-lettered, or both, or dead-lettered for no reason."""
    done = sorted([message.body for message in inbox.acknowledged] + [body for body, _ in inbox.dead_lettered])
    if done != sorted(message.body for message in messages):
        acknowledged, dead_lettered = len(inbox.acknowledged), len(inbox.dead_lettered)
        yield f"{len(messages)} messages: {acknowledged} acknowledged, {dead_lettered} dead-lettered"
    for body, code in inbox.dead_lettered:
        if code not in ERROR_CODES or code == "internal_error":
            yield f"dead-lettered as {code}: {body[:2_000]!r}"


def _read(body: bytes) -> dict[str, list[str]]:
    document: dict[str, list[str]] = json.loads(body)
    return document
