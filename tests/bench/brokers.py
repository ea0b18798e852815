"""The broker that a measurement runs on, RabbitMQ or NATS: the one the tests would find, or a private one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.adapters.broker_places import BrokerPlace, own_place
from tests.services.finding import find, services
from tests.services.run import new_run


def rabbitmq_server() -> AbstractContextManager[str]:
    """Find or start RabbitMQ; give its URL. Raises ServerUnusable when there is none."""
    return _server("RabbitMQ")


def nats_server() -> AbstractContextManager[str]:
    """Find or start NATS; give its URL. Raises ServerUnusable when there is none."""
    return _server("NATS")


@contextmanager
def _server(name: str) -> Iterator[str]:
    (service,) = (service for service in services() if service.name == name)
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


def own_names(url: str, database_url: str) -> AbstractContextManager[BrokerPlace]:
    """Give names at a broker that belong to a measurement on this database; leave nothing of them there."""
    return own_place(url, f"bench-{os.getpid()}-{database_url.rpartition('/')[2]}")
