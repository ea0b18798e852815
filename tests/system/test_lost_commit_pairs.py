"""Every write whose COMMIT is lost, with every other write by a rival before the repetition: each is done once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_peewee.faults import CommitLostError
from oms_peewee.sqlite import open_sqlite
from oms_peewee.sqlite.connections import SqliteSession

from oms_core.errors import OmsError
from tests.faults.test_late_commits import PUBLISHING, WRITES, Stocked, model_shop, state, stocked

RIVAL_TICKS = 200


class Losses:
    """Loses the answer to the next COMMIT of any SQLite session, once it was told what to do meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.then: Callable[[], object] | None = None
        commit = SqliteSession.commit

        def commit_and_lose(session: SqliteSession) -> None:
            commit(session)
            then, self.then = self.then, None
            if then is not None:
                then()
                raise CommitLostError("its answer was lost")

        monkeypatch.setattr(SqliteSession, "commit", commit_and_lose)


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> Losses:
    return Losses(monkeypatch)


# Their later transactions are stamped after the rival's.
OF_SEVERAL_TRANSACTIONS = frozenset({"a location that does not sell"})


@pytest.mark.parametrize("ours", WRITES)
def test_a_write_and_a_rival_come_to_what_they_come_to_in_turn(losses: Losses, tmp_path: Path, ours: str) -> None:
    for number, theirs in enumerate(WRITES):
        for at, rival in both_hands(tmp_path / f"{number}.db"):
            model = stocked(model_shop())
            assert (theirs, meanwhile(losses, at, ours, rival, theirs)) == (theirs, in_turn(model, ours, theirs))
            seen = figures if ours in OF_SEVERAL_TRANSACTIONS else state
            assert (theirs, seen(at)) == (theirs, seen(model))


def figures(at: Stocked) -> list[object]:
    """Give what is there of each product, without when it came about."""
    return [
        (product.sku, [(level.location, level.on_hand, level.reserved, level.withheld) for level in product.levels])
        for product in state(at)["products"]
    ]


def in_turn(model: Stocked, ours: str, theirs: str) -> list[str]:
    """Write, then let the rival write; give both outcomes. Of an act of several transactions, it follows the first."""
    told: list[str] = []
    locations = cast("Any", model.shop.storage.locations)
    set_location = locations.set

    def rival_writes() -> None:
        locations.set = set_location
        told.append(outcome(model._replace(shop=rivals(model.shop)), theirs))

    def set_then_rival_writes(*arguments: Any, **given: Any) -> object:
        written = set_location(*arguments, **given)
        rival_writes()
        return written

    locations.set = set_then_rival_writes
    own = outcome(model, ours)
    if not told:
        rival_writes()
    return [own, *told]


def meanwhile(losses: Losses, at: Stocked, ours: str, rival: Stocked, theirs: str) -> list[str]:
    """Write, with the COMMIT lost and the rival at work; give both outcomes."""
    told: list[str] = []
    losses.then = lambda: told.append(outcome(rival, theirs))
    mine = outcome(at, ours)
    assert told, f"nothing was lost of {ours}"
    return [mine, *told]


def both_hands(file: Path) -> Iterator[tuple[Stocked, Stocked]]:
    """Open a new database, twice."""
    url = f"sqlite:///{file}"
    with closing(open_sqlite(url, PUBLISHING)) as storage, closing(open_sqlite(url, PUBLISHING)) as other:
        at = stocked(new_shop(storage))
        other.workers.find(silent_seconds=1)
        yield at, at._replace(shop=rivals(new_shop(other)))


def rivals(shop: Shop) -> Shop:
    """Give the shop into the hands of a rival, who comes later."""
    rival = new_shop(shop.storage, seed=1)
    for _ in range(RIVAL_TICKS):
        rival.clock.now()
    return rival


def outcome(at: Stocked, write: str) -> str:
    """Do it, and say whether it was done, or why it was refused."""
    try:
        WRITES[write](at)
    except OmsError as error:
        return error.code
    return "done"
