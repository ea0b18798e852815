"""The RabbitMQ that a measurement runs on: the one the tests would find, or a private one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.services.finding import find, services
from tests.services.run import new_run


@contextmanager
def rabbitmq_server() -> Iterator[str]:
    """Find or start a broker; give its URL. Raises ServerUnusable when there is none."""
    (service,) = (service for service in services() if service.name == "RabbitMQ")
    if url := find(service, os.environ).url:
        yield url
        return
    with new_run() as run:
        private = service.private(run)
        private.start()
        try:
            yield private.url
        finally:
            private.stop()


@contextmanager
def own_names(url: str, database_url: str) -> Iterator[RabbitmqVhost]:
    """Give names at a broker that belong to a measurement on this database; leave nothing of them there."""
    broker = RabbitmqVhost(url, f"bench-{os.getpid()}-{database_url.rpartition('/')[2]}")
    try:
        yield broker
    finally:
        broker.delete_all()
