"""The client of the master that Redis Sentinels name."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

from redis import ConnectionPool, Redis, SSLConnection
from redis.sentinel import Sentinel


class Sentinels(Sentinel):
    """redis-py's Sentinel, over clients that are made already, and safe for many threads.

    redis-py moves the Sentinel that answered to the list's front. Two threads that do so at once can put it in twice
    and lose another one, until nobody is left to ask. So each search has a list of its own.
    """

    def __init__(self, sentinels: Sequence[Redis]) -> None:
        super().__init__([], sentinel_kwargs={})  # type: ignore[no-untyped-call]
        self.sentinels = list(sentinels)

    def discover_master(self, service_name: str) -> Any:
        """Return host and port of the master. Raise redis-py's MasterNotFoundError."""
        search = copy.copy(self)
        search.sentinels = list(self.sentinels)
        master = super(Sentinels, search).discover_master(service_name)  # type: ignore[no-untyped-call]
        self.sentinels = search.sentinels
        return master


def master_of(master: str, sentinels: Sequence[Redis], pool: ConnectionPool, *, connections_max: int) -> Redis:
    """Return a client of a master, which is looked for at each new connection. It does not connect yet.

    Its connections are like those of `pool`, but for host and port.
    """
    like = {name: value for name, value in pool.connection_kwargs.items() if name not in ("host", "port")}
    encrypted = issubclass(pool.connection_class, SSLConnection)
    own = {"ssl": encrypted, "max_connections": connections_max, **like}
    return cast(Redis, Sentinels(sentinels).master_for(master, **own))  # type: ignore[no-untyped-call]
