"""Several announcers and several inboxes at once: without faults each id reaches one inbox, once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from oms_contracts.broker_contract.post import DEADLINE_SECONDS, ids_in, is_quiet, new_ids, open_inbox
from oms_contracts.concurrency import run_together
from oms_core.ports.broker import Broker

ANNOUNCERS, INBOXES, CALLS, IDS = 4, 3, 25, 7


class RacePromises:
    """Broker, with many hands on it."""

    def test_each_id_reaches_one_inbox_once(self, broker: Broker, rival_broker: Broker) -> None:
        batches = [[new_ids(IDS) for _ in range(CALLS)] for _ in range(ANNOUNCERS)]
        expected = [order_id for batch in batches for ids in batch for order_id in ids]
        seen: list[UUID] = []
        lock = threading.Lock()

        def announce_all(batch: list[list[UUID]]) -> None:
            announcer = rival_broker.announcer()
            for ids in batch:
                announcer.announce(ids)
            announcer.close()

        def receive_some() -> None:
            deadline = time.monotonic() + DEADLINE_SECONDS
            with open_inbox(broker) as inbox:
                while len(seen) < len(expected) and time.monotonic() < deadline:
                    messages = inbox.take(limit=5, timeout_seconds=0.1)
                    with lock:
                        seen.extend(ids_in(messages))
                    inbox.done(messages)

        announcing: list[Callable[[], None]] = [partial(announce_all, batch) for batch in batches]
        run_together([*announcing, *[receive_some] * INBOXES])
        assert sorted(seen) == sorted(expected)
        with open_inbox(broker) as inbox:
            assert is_quiet(inbox)
