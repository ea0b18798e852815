"""oms_memory keeps every promise of a queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from oms_contracts.queue_contract import QueueContract
from oms_memory import MemoryQueue

from oms_core.ports.queue import Queue, QueueOptions
from oms_core.wiring import open_queue


class TestMemoryQueue(QueueContract):
    @pytest.fixture
    def queue(self) -> Iterator[Queue]:
        queue = open_queue("memory://", QueueOptions())
        yield queue
        queue.close()

    def send_command(self, queue: Queue, body: bytes) -> None:
        cast("MemoryQueue", queue).send_command(body)
