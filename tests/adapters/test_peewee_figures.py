"""The figures of an audit, page by page, where levels and ledger do not list the same places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from oms_contracts.storage_contract.shop import new_shop
from oms_peewee.models import LevelRow
from oms_peewee.postgresql import open_postgresql
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.ports.storage import StorageOptions

PLACES = [(sku, location) for sku in ("A", "B", "C") for location in ("east", "main", "west")]
WITHOUT_LEVEL = [("A", "west"), ("B", "main"), ("C", "west")]


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PeeweeStorage]:
    opened = (
        open_sqlite(f"sqlite:///{tmp_path}/oms.db", StorageOptions())
        if request.param == "sqlite"
        else open_postgresql(request.getfixturevalue("postgresql_url"), StorageOptions())
    )
    opened.schema.upgrade()
    yield opened
    opened.close()


def lose_level(storage: PeeweeStorage, sku: str, location: str) -> None:
    """Delete a level behind the ledger's back."""
    lost = LevelRow.delete().where(LevelRow.sku == sku, LevelRow.location == location)
    storage.database.write_by_ids(lambda attempt: lost.execute(attempt.session), look_up={})


@pytest.mark.parametrize("limit", range(1, len(PLACES) + 2))
def test_every_place_is_met_once_with_its_figures(storage: PeeweeStorage, limit: int) -> None:
    shop = new_shop(storage)
    for units, (sku, location) in enumerate(PLACES, start=1):
        shop.set(sku, units, location=location)
    for place in WITHOUT_LEVEL:
        lose_level(storage, *place)
    met, after = [], None
    while page := storage.audits.level_balances(after=after, limit=limit):
        assert len(page) <= limit
        met += page
        after = (page[-1].sku, page[-1].location)
    assert [(each.sku, each.location) for each in met] == PLACES
    assert [each.ledger_on_hand for each in met] == list(range(1, len(PLACES) + 1))
    without = [(each.sku, each.location) for each in met if each.on_hand == 0]
    assert without == WITHOUT_LEVEL
    assert len(shop.audit().discrepancies) == len(WITHOUT_LEVEL)
