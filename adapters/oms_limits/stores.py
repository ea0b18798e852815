"""Where the counters are: one Redis, or the master that its Sentinels name; and what a store has to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

from redis import Redis
from redis.exceptions import NoScriptError

from oms_limits.scripts import Script


class Store(Protocol):
    """A shared store of counters. Thread-safe; connects lazily; works in a forked child too.

    Its methods raise RedisError or OSError; each waits for an answer as long as the connections' timeouts say.
    """

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[int]) -> Any:
        """Run a script on keys that live together, and return its answer.

        Raise TryAgainError while just these keys cannot be counted.
        """
        ...

    def check(self, key: str) -> None:
        """Ask for a key, with a command that the scripts use too."""
        ...

    def let_go(self) -> None:
        """Close the connections that nobody uses: what they lead to did not answer."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class RedisStore:
    """The counters on one server: the one of the URL, or the one that Sentinels name at each new connection."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[int]) -> Any:
        return run_script(self._client, script, keys, arguments)

    def check(self, key: str) -> None:
        self._client.get(key)

    def let_go(self) -> None:
        # A host that lost its power ends no connection. Each of them would cost its timeout, at one try in a pause,
        # before Sentinels are asked for another master.
        self._client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        self._client.close()


def run_script(client: Redis, script: Script, keys: Sequence[str], arguments: Sequence[int]) -> Any:
    """Run a script by its hash, and by its text on a server that does not know it: nothing has happened there."""
    try:
        return client.evalsha(script.sha, len(keys), *keys, *cast(Sequence[Any], arguments))
    except NoScriptError:
        return client.eval(script.text, len(keys), *keys, *cast(Sequence[Any], arguments))
