"""The counters on Redis Cluster: each charge goes to the node that owns its key.

redis-py's RedisCluster is not used. It connects when it is made. After a fault it reads the cluster's layout anew on
the thread of each caller, one after the other, so with all nodes frozen the last of many waits for all the others. Here
a node that does not own a key says who does (MOVED), and that is remembered.
https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, TypeAlias

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import AskError, ConnectionError, MovedError, RedisError, TimeoutError, TryAgainError

from oms_core.runtime.forks import begin_in_each_process
from oms_limits.scripts import Script
from oms_limits.stores import run_script

Place: TypeAlias = tuple[str, int]  # Host and port.

NODES_MAX = 1_000  # What Redis Cluster is made for.
_GUESSES_MAX = 3
_HOPS_MAX = 6


class ClusterStore:
    """A Store on Redis Cluster. `connect` makes the client of a node, without connecting yet."""

    def __init__(self, seeds: Sequence[Place], connect: Callable[[str, int], Redis]) -> None:
        self._seeds = tuple(seeds)
        self._connect = connect
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._changing = threading.Lock()
        self._owners: dict[int, Place] = {}  # By slot: at most 16,384.
        self._known = dict.fromkeys(self._seeds)  # In the order in which they are asked for an owner.
        self._clients: dict[Place, Redis] = {}

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[int]) -> Any:
        return self._follow(keys[0], lambda client: run_script(client, script, keys, arguments))

    def check(self, key: str) -> None:
        self._follow(key, lambda client: client.get(key))

    def let_go(self) -> None:
        """Do nothing: the node that failed was left at once."""

    def close(self) -> None:
        for client in list(self._clients.values()):
            client.close()

    def _follow(self, key: str, ask: Callable[[Redis], Any]) -> Any:
        """Ask the owner of a key, whoever that turns out to be. Raise TryAgainError while its slot moves.

        Without a known owner up to three nodes are tried; an owner that fails is not tried again.
        """
        slot, guesses = key_slot(key.encode()), self._guesses()
        place = self._owners.get(slot)
        is_guess = place is None
        place = place or next(guesses)
        for _ in range(_HOPS_MAX):
            try:
                answer = ask(self._client(place))
            except MovedError as moved:
                place, is_guess = self._learn(moved, place), False
            except AskError as asked:  # The node to ask would say TRYAGAIN: it has not both keys yet.
                raise TryAgainError(f"the slot {slot} is moving") from asked
            except (ConnectionError, TimeoutError, OSError):
                self._leave(place)
                other = next(guesses, None) if is_guess else None
                if other is None:
                    raise
                place = other
            else:
                self._owners[slot] = place
                return answer
        raise RedisError("the nodes of the cluster name each other as the owner of a key")

    def _guesses(self) -> Iterator[Place]:
        return islice(list(self._known), _GUESSES_MAX)

    def _client(self, place: Place) -> Redis:
        return self._clients.get(place) or self._clients.setdefault(place, self._connect(*place))

    def _learn(self, told: MovedError, teller: Place) -> Place:
        """Return whom a node names as the owner; without a host, it is its own."""
        place = (told.host or teller[0], told.port)
        if place not in self._known:
            with self._changing:
                self._known[place] = None
                if len(self._known) > NODES_MAX:
                    oldest = next(each for each in self._known if each not in self._seeds)
                    del self._known[oldest]
                    self._clients.pop(oldest, None)
        return place

    def _leave(self, place: Place) -> None:
        """Forget what a node owns, ask it last, and close the connections to it that nobody uses."""
        with self._changing:
            for slot in [slot for slot, owner in list(self._owners.items()) if owner == place]:
                self._owners.pop(slot, None)
            self._known.pop(place, None)
            self._known[place] = None
        with suppress(OSError):
            self._client(place).connection_pool.disconnect(inuse_connections=False)
