"""A shop that is not told that a COMMIT has happened, and a rival who acts before it can find out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from oms_contracts.storage_contract.shop import Shop

Ours = TypeVar("Ours")
Theirs = TypeVar("Theirs")

_RIVAL_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossyShop:
    """One database in two hands: the answer to a COMMIT of `ours` can be lost, `rival` meets no fault."""

    ours: Shop
    rival: Shop
    lose_next_commit: Callable[[Callable[[], object]], None]

    def losing(self, work: Callable[[], Ours], rival: Callable[[], Theirs]) -> tuple[Ours, Theirs]:
        """Do the work, lose the answer to its COMMIT, and let the rival act before it is repeated; give both results.

        What the rival raises is raised here; so is that nothing was lost, which would make the test say nothing.
        """
        acted: Future[Theirs] = Future()

        def act() -> None:
            try:
                acted.set_result(rival())
            except BaseException as error:  # noqa: BLE001  It is raised where the result is asked for.
                acted.set_exception(error)

        self.lose_next_commit(act)
        result = work()
        assert acted.done(), "no COMMIT was lost, so nothing was tested"
        return result, acted.result(_RIVAL_SECONDS)
