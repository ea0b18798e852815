"""What imports of stock create: counted, named, or refused."""

from __future__ import annotations

from oms_contracts.storage_contract.hooks import StorageHooks
from oms_contracts.storage_contract.importing import ADJUST, SET, apply, apply_batch, batch_of, counts, entry, key_of
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.stock.import_decisions import RefusalCode, refusal
from oms_core.ports.import_storage import ImportBatch, ImportState, state_after


class ImportCreationPromises(StorageHooks):
    """What a batch creates, and what it must not."""

    def test_products_that_are_new_are_counted_and_the_first_of_them_named(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.buy(("A", 4))
        entries = [entry("A", 3), entry("B", 1), entry("B", 2, "north"), entry("C", 0)]
        rehearsed = shop.storage.imports.rehearse(batch_of(SET, *entries))
        assert (rehearsed.created, rehearsed.created_skus) == (2, ("B", "C"))
        result = apply(shop, SET, *entries)
        assert (result.created, result.created_skus) == (2, ("B", "C"))
        assert apply(shop, SET, *entries[1:]).created == 0
        many = apply(shop, SET, *[entry(f"S{number:02}", 1) for number in range(30)])
        assert (many.created, many.created_skus) == (30, tuple(f"S{number:02}" for number in range(20)))
        assert (apply(shop, ADJUST, entry("A", 1, "south")).created, apply(shop, ADJUST, entry("X", 1)).created) == (
            0,
            0,
        )

    def test_what_is_not_there_is_refused_where_only_existing_products_are_wanted(self, shop: Shop) -> None:
        shop.set("A", 5)
        entries = sorted([entry("A", 7), entry("A", 1, "north"), entry("X", 1, rows=2), entry("X", 1, "north")])
        batch = ImportBatch(mode=SET, entries=entries, existing_only=True)
        refusals = tuple(
            refusal("X", location, RefusalCode.SKU_NOT_FOUND, on_hand=1, reserved=0) for location in ("main", "north")
        )
        for result in (shop.storage.imports.rehearse(batch), apply_batch(shop, batch, None, ImportState())):
            assert (counts(result), result.created, result.refusals) == ((2, 0, 3), 0, refusals)
        assert shop.levels("A") == {"main": (7, 0), "north": (1, 0)}

    def test_the_number_of_new_products_is_kept_with_the_state_of_the_import(self, shop: Shop) -> None:
        key = key_of()
        first = batch_of(SET, entry("A", 1), entry("B", 1))
        result = apply_batch(shop, first, key, ImportState())
        since = state_after(ImportState(), first, result)
        assert shop.storage.imports.state(key) == since
        assert apply_batch(shop, first, key, ImportState()).created == 2
        second = batch_of(SET, entry("C", 1))
        state = state_after(since, second, apply_batch(shop, second, key, since))
        assert shop.storage.imports.state(key) == state
        assert state.created == 3

    def test_locations_that_have_levels_are_listed(self, shop: Shop) -> None:
        assert shop.storage.imports.locations(10) == frozenset()
        shop.set("A", 1)
        shop.set("B", 1)
        apply(shop, SET, entry("A", 0, "north"))
        assert shop.storage.imports.locations(10) == {"main", "north"}
        assert len(shop.storage.imports.locations(1)) == 1
