"""The PostgreSQL that a measurement runs on: the one the tests would find, or a private one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services.databases import PostgresqlServer
from tests.services.finding import find, services
from tests.services.run import new_run


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Find or start a server; its `database()` gives fresh databases. Raises ServerUnusable when there is none."""
    (service,) = (service for service in services() if service.name == "PostgreSQL")
    with new_run() as run:
        if url := find(service, os.environ).url:
            yield PostgresqlServer(url=url, run=run)
            return
        private = service.private(run)
        private.start()
        try:
            yield PostgresqlServer(url=private.url, run=run)
        finally:
            private.discard()
