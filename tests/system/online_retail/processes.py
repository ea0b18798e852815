"""Replays from several processes, each with several clients, on one database that processes can share."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from oms_core import Oms, Settings
from tests.system.online_retail.replay import Tally, replay
from tests.system.online_retail.steps import Step


def replay_in_processes(database_url: str, shares: Sequence[Sequence[Step]], *, processes: int) -> Tally:
    """Deal the clients' shares out to so many new processes, and add up what became of them."""
    hands = [shares[number::processes] for number in range(processes)]
    tally = Tally()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for counted in pool.map(_replay, repeat(database_url), hands):
            tally.add(counted)
    return tally


def _replay(database_url: str, shares: Sequence[Sequence[Step]]) -> Tally:
    with Oms.open(Settings(database_url=database_url)) as oms:
        return replay(oms, shares)
