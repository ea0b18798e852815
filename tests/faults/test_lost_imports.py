"""A batch of an import whose COMMIT got no answer is applied once, and its import goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_contracts.storage_contract.importing import ADJUST, SET, apply, counts, entry, key_of
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_peewee.postgresql import open_postgresql

from oms_core.errors import OmsError
from oms_core.ports.import_storage import ImportState
from oms_core.ports.storage import StorageOptions
from tests.faults.commit_proxy import CommitProxy, Fate

BOTH = pytest.mark.parametrize("fate", [Fate.COMMIT, Fate.ANSWER])


@pytest.fixture
def proxy(postgresql_url: str) -> Iterator[CommitProxy]:
    storage = open_postgresql(postgresql_url, StorageOptions())
    storage.schema.upgrade()
    storage.close()
    proxy = CommitProxy(postgresql_url)
    yield proxy
    proxy.close()
    assert proxy.losses == 1, "nothing was lost, so nothing was tested"


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
def shop(proxy: CommitProxy, request: pytest.FixtureRequest) -> Iterator[Shop]:
    storage = open_postgresql(proxy.url, StorageOptions(prepared_statements=request.param))
    yield new_shop(storage)
    storage.close()


@BOTH
def test_differences_are_added_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("A", 5)
    key = key_of()
    proxy.lose_next(fate)
    result = apply(shop, ADJUST, entry("A", 3, rows=2), entry("B", 1), key=key)
    assert counts(result) == (2, 0, 1)
    assert [refusal.sku for refusal in result.refusals] == ["B"]
    assert shop.levels("A") == {"main": (8, 0)}
    assert shop.storage.imports.state(key) == ImportState(applied=2, unchanged=0, refused=1, after=("B", "main"))
    assert not shop.audit().discrepancies


@BOTH
def test_counts_are_written_once_though_they_have_no_key(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("A", 5)
    proxy.lose_next(fate)
    result = apply(shop, SET, entry("A", 3), entry("B", 1))
    assert counts(result) == (2, 0, 0)
    assert shop.ledger("A") == [("count", "main", 5, 0), ("count", "main", -2, 0)]
    assert shop.product("B").version == 1
    assert not shop.audit().discrepancies


@BOTH
def test_when_the_database_stays_away_the_import_is_to_be_run_again(proxy: CommitProxy, fate: Fate) -> None:
    storage = open_postgresql(proxy.url, StorageOptions(deadline_seconds=0.5))
    shop = new_shop(storage)
    shop.set("A", 5)
    proxy.lose_next(fate, then_go_down=True)
    with pytest.raises(OmsError) as caught:
        apply(shop, ADJUST, entry("A", 3), key=key_of())
    assert (caught.value.code, caught.value.data) == ("outcome_unknown", {"idempotency_key": "K"})
    proxy.come_up()
    assert counts(apply(shop, ADJUST, entry("A", 3), key=key_of())) == (1, 0, 0)
    assert shop.levels("A") == {"main": (8, 0)}
    storage.close()
