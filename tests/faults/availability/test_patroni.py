"""A Patroni cluster under load: its leader is exchanged in order, and then killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.faults.availability.buyers import Buyers, check_books, open_shop
from tests.services.patroni import LEASE_SECONDS, PatroniCluster
from tests.services.plugin import do_without
from tests.services.run import Run
from tests.services.unusable import ServerUnusable

SWITCHED_SECONDS = 15.0  # Two to three on a quiet machine.
REPLACED_SECONDS = LEASE_SECONDS + 15.0
HONEST = {"storage_unavailable", "outcome_unknown", "idempotency_key_in_use"}


@pytest.fixture
def cluster(test_run: Run) -> Iterator[PatroniCluster]:
    try:
        cluster = PatroniCluster(test_run)
    except ServerUnusable as error:
        do_without(f"NO PATRONI: {error}")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.discard()


def test_a_switchover_and_a_killed_leader_lose_no_answered_order(cluster: PatroniCluster) -> None:
    first, second = cluster.members
    with open_shop(cluster.url) as oms:
        with Buyers(oms) as buyers:
            buyers.buy_more(100)
            began = time.monotonic()
            first.switch_over(second)
            cluster.await_leader(second)
            buyers.buy_more(100)
            assert longest_silence(buyers, began) < SWITCHED_SECONDS
            assert buyers.told.keys() <= HONEST
            cluster.await_standby(first)
            buyers.buy_more(100)
            began = time.monotonic()
            second.kill()
            cluster.await_leader(first)
            buyers.buy_more(100)
            assert longest_silence(buyers, began) < REPLACED_SECONDS
        assert buyers.told.keys() <= HONEST
    check_books(buyers, f"postgresql://postgres@{first.place}/postgres")


def longest_silence(buyers: Buyers, since: float) -> float:
    """Return the longest time without an answer, from a moment on."""
    moments = sorted([since, *(at for at in buyers.answered.values() if at > since)])
    return max(later - sooner for sooner, later in pairwise(moments))
