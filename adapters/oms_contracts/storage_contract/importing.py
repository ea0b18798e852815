"""Imports of stock: batches decided as the core does, each in one transaction, each once under its key."""

from __future__ import annotations

import pytest

from oms_contracts.storage_contract.hooks import StockEvent, StorageHooks
from oms_contracts.storage_contract.shop import CLERK, Shop
from oms_contracts.storage_contract.values import PROSE, TEXTS
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.idempotency import OWN_KEY_BITS, own_key
from oms_core.domain.import_commands import ImportMode
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.stock.import_decisions import BatchResult, RefusalCode, StockEntry, refusal
from oms_core.errors import OmsError
from oms_core.ports.import_storage import ImportBatch, ImportRun, ImportState, state_after

SET, ADJUST = ImportMode.SET, ImportMode.ADJUST


def entry(sku: str, quantity: int, location: str = "main", *, rows: int = 1, **given: str) -> StockEntry:
    """Ask for a count or a difference of a level."""
    texts = {"name": None, "reason": None, "reference": None} | given
    return StockEntry(sku=sku, location=location, quantity=quantity, rows=rows, **texts)


def batch_of(mode: ImportMode, *entries: StockEntry) -> ImportBatch:
    """Put entries into a batch, in their order."""
    return ImportBatch(mode=mode, entries=sorted(entries, key=lambda each: (each.sku, each.location)))


def key_of(key: str = "K", *, actor: str = CLERK.name, fingerprint: bytes = b"f" * 32, rows: int = 100) -> ImportRun:
    """Name an import."""
    return ImportRun(actor=actor, key=key, fingerprint=fingerprint, rows=rows)


def apply(
    shop: Shop, mode: ImportMode, *entries: StockEntry, key: ImportRun | None = None, since: ImportState | None = None
) -> BatchResult:
    """Apply a batch, the first of its import unless there is a state before it."""
    return apply_batch(shop, batch_of(mode, *entries), key, since or ImportState())


def apply_batch(shop: Shop, batch: ImportBatch, key: ImportRun | None, since: ImportState) -> BatchResult:
    """Apply a batch in the shop's name, now: of an import with a key, or once."""
    caller, now = shop.caller, shop.clock.now()
    if key is not None:
        return shop.storage.imports.apply(batch, key=key, since=since, caller=caller, now=now)
    once = own_key(caller.name, "import", random_bits=shop.clock.random_bits(OWN_KEY_BITS))
    return shop.storage.imports.apply_once(batch, key=once, caller=caller, now=now)


def counts(result: BatchResult) -> tuple[int, int, int]:
    """Return the rows applied, unchanged and refused."""
    return result.applied, result.unchanged, result.refused


class ImportPromises(StorageHooks):
    """What a batch writes, and what it does not."""

    def test_a_set_creates_products_levels_and_their_ledger(self, shop: Shop) -> None:
        result = apply(
            shop,
            SET,
            entry("A", 5, name="An A", reason="stocktake", reference="sheet 1"),
            entry("A", 0, "north"),
            entry("B", 0),
        )
        assert counts(result) == (3, 0, 0)
        product = shop.product("A")
        assert (product.name, product.low_stock_threshold, shop.product("B").name) == ("An A", None, "")
        assert [(each.location, each.on_hand, each.reserved, each.version) for each in product.levels] == [
            ("main", 5, 0, 1),
            ("north", 0, 0, 1),
        ]
        (row,) = shop.movements("A")
        assert (row.movement.kind.value, row.movement.on_hand_delta, row.movement.reserved_delta) == ("count", 5, 0)
        assert (row.movement.reason, row.movement.reference, row.actor) == ("stocktake", "sheet 1", CLERK.name)
        assert row.created_at == product.updated_at
        assert shop.movements("B") == []

    def test_a_set_replaces_counts_and_a_count_equal_to_the_level_writes_nothing(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.set("B", 7)
        before = shop.product("B")
        assert counts(apply(shop, SET, entry("A", 3), entry("B", 7))) == (1, 1, 0)
        assert shop.ledger("A")[1:] == [("count", "main", -2, 0)]
        assert (shop.product("A").on_hand, shop.product("A").version) == (3, 2)
        assert shop.product("B") == before
        assert len(shop.movements("B")) == 1

    def test_a_name_changes_also_where_the_count_does_not(self, shop: Shop) -> None:
        shop.set("A", 5, name="old")
        shop.set("B", 5, name="same")
        assert counts(apply(shop, SET, entry("A", 5, name="new"), entry("B", 5, name="same"))) == (1, 1, 0)
        assert (shop.product("A").name, shop.product("A").version) == ("new", 1)
        assert counts(apply(shop, SET, entry("A", 6))) == (1, 0, 0)
        assert shop.product("A").name == "new"

    def test_one_row_for_several_levels_names_the_product(self, shop: Shop) -> None:
        apply(shop, SET, entry("A", 1), entry("A", 2, "north", name="An A"))
        shop.set("B", 1)
        apply(shop, SET, entry("B", 1), entry("B", 2, "north", name="A B"))
        assert (shop.product("A").name, shop.product("B").name) == ("An A", "A B")

    def test_what_is_below_the_reserved_is_refused_and_the_rest_is_applied(self, shop: Shop) -> None:
        shop.set("A", 5, name="kept")
        shop.buy(("A", 4))
        result = apply(shop, SET, entry("A", 3, name="lost", rows=2), entry("A", 9, "north"), entry("B", 1))
        assert counts(result) == (2, 0, 2)
        code = RefusalCode.STOCK_BELOW_RESERVED
        assert result.refusals == (refusal("A", "main", code, on_hand=3, reserved=4),)
        assert shop.levels("A") == {"main": (5, 4), "north": (9, 0)}
        assert (shop.product("A").name, shop.product("B").on_hand) == ("kept", 1)
        assert counts(apply(shop, SET, entry("A", 4))) == (1, 0, 0)
        assert not shop.audit().discrepancies

    def test_differences_are_added(self, shop: Shop) -> None:
        shop.set("A", 5)
        result = apply(shop, ADJUST, entry("A", -2, reason="damaged", rows=3), entry("A", 4, "north", reason="found"))
        assert counts(result) == (4, 0, 0)
        assert shop.levels("A") == {"main": (3, 0), "north": (4, 0)}
        assert shop.ledger("A")[1:] == [("adjust", "main", -2, 0), ("adjust", "north", 4, 0)]
        assert [row.movement.reason for row in shop.movements("A")[1:]] == ["damaged", "found"]

    def test_a_difference_of_nothing_writes_nothing_but_a_name(self, shop: Shop) -> None:
        shop.set("A", 5)
        assert counts(apply(shop, ADJUST, entry("A", 0), entry("A", 0, "north"))) == (0, 2, 0)
        assert shop.levels("A") == {"main": (5, 0)}
        assert counts(apply(shop, ADJUST, entry("A", 0, "north", name="An A"))) == (1, 0, 0)
        assert (shop.levels("A"), shop.product("A").name) == ({"main": (5, 0)}, "An A")
        assert len(shop.movements("A")) == 1

    def test_differences_that_cannot_be_made_are_refused(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.set("B", COUNT_MAX)
        shop.buy(("A", 4))
        result = apply(
            shop,
            ADJUST,
            entry("A", -2),
            entry("A", -1, "north"),
            entry("B", 1),
            entry("C", 1, name="unknown"),
            entry("C", 0, "north"),
        )
        assert counts(result) == (0, 0, 5)
        assert result.refusals == (
            refusal("A", "main", RefusalCode.STOCK_BELOW_RESERVED, on_hand=3, reserved=4),
            refusal("A", "north", RefusalCode.STOCK_BELOW_RESERVED, on_hand=-1, reserved=0),
            refusal("B", "main", RefusalCode.OUT_OF_RANGE, on_hand=COUNT_MAX + 1, reserved=0),
            refusal("C", "main", RefusalCode.SKU_NOT_FOUND, on_hand=1, reserved=0),
            refusal("C", "north", RefusalCode.SKU_NOT_FOUND, on_hand=0, reserved=0),
        )
        assert shop.levels("A") == {"main": (5, 4)}
        assert not shop.audit().discrepancies

    def test_crossings_are_announced_over_all_locations(self, shop: Shop) -> None:
        shop.set("A", 10, low_stock_threshold=5)
        shop.set("B", 3, low_stock_threshold=5)
        shop.set("B", 3, location="north")
        shop.set("C", 10, low_stock_threshold=5)
        shop.buy(("B", 1))
        importer = shop.of(Caller(name="importer", scopes=ALL_SCOPES, request_id="request-7"))
        apply(importer, SET, entry("A", 0), entry("B", 2), entry("B", 4, "north"), entry("C", 4), entry("C", 2, "new"))
        assert self.stock_events(shop.storage, "A") == [StockEvent("stock.depleted", 0, 5, "importer", "request-7")]
        assert [(event.type, event.available) for event in self.stock_events(shop.storage, "B")[-1:]] == [
            ("stock.low", 5)
        ]
        assert self.stock_events(shop.storage, "C") == []
        apply(importer, ADJUST, entry("A", 6), entry("B", 1))
        assert self.stock_events(shop.storage, "A")[-1].type == "stock.replenished"
        assert self.stock_events(shop.storage, "B")[-1].type == "stock.replenished"

    def test_the_first_stock_of_a_new_product_announces_nothing(self, shop: Shop) -> None:
        apply(shop, SET, entry("A", 5), entry("B", 0))
        assert self.stock_events(shop.storage, "A") + self.stock_events(shop.storage, "B") == []
        shop.set("C", name="no level yet")
        apply(shop, SET, entry("C", 5))
        assert [event.type for event in self.stock_events(shop.storage, "C")] == ["stock.replenished"]

    @pytest.mark.parametrize("mode", list(ImportMode))
    def test_a_rehearsal_gives_the_result_and_changes_nothing(self, shop: Shop, mode: ImportMode) -> None:
        shop.set("A", 5)
        shop.buy(("A", 4))
        batch = batch_of(mode, entry("A", -1 if mode is ADJUST else 2), entry("A", 0, "north"), entry("B", 3))
        before = shop.everything()
        rehearsed = shop.storage.imports.rehearse(batch)
        assert shop.everything() == before
        assert apply_batch(shop, batch, None, ImportState()) == rehearsed

    @pytest.mark.parametrize("text", [*TEXTS, *PROSE, "\\N", "\\.", "a\\tb", "tab\there", "two\nlines\r\n"])
    def test_text_survives_an_import(self, shop: Shop, text: str) -> None:
        sku = "SKU " + text.strip()[:20]
        apply(shop, SET, entry(sku, 5, location=sku, name=text, reason=text, reference=text), entry("Z", 1))
        (row,) = shop.movements(sku)
        assert shop.product(sku).name == text
        assert (row.movement.location, row.movement.reason, row.movement.reference) == (sku, text, text)

    def test_skus_that_differ_in_case_or_accent_are_different_products_of_an_import(self, shop: Shop) -> None:
        skus = ["a", "A", "á", "Á", "ss", "ß", "SS", "i", "\u0131", "I", "İ"]
        result = apply(shop, SET, *(entry(sku, number) for number, sku in enumerate(skus, start=1)))
        assert result.applied == len(skus)
        assert [shop.product(sku).on_hand for sku in skus] == list(range(1, len(skus) + 1))

    def test_a_batch_of_few_skus_in_a_large_range_finds_them(self, shop: Shop) -> None:
        apply(shop, SET, *(entry(f"SKU-{number:03}", 1) for number in range(50)))
        shop.buy(("SKU-040", 1))
        result = apply(shop, SET, entry("SKU-000", 2, name="first"), entry("SKU-040", 0), entry("SKU-049", 3, "north"))
        assert counts(result) == (2, 0, 1)
        assert (shop.product("SKU-000").name, shop.product("SKU-000").on_hand) == ("first", 2)
        assert (shop.levels("SKU-040"), shop.product("SKU-049").on_hand) == ({"main": (1, 1)}, 4)
        assert not shop.audit().discrepancies


class ImportKeyPromises:
    """What a key makes of an import."""

    def test_a_batch_is_applied_once_under_its_key(self, shop: Shop) -> None:
        shop.set("A", 5)
        key = key_of()
        assert shop.storage.imports.state(key) == ImportState()
        first = apply(shop, ADJUST, entry("A", 3, rows=2), entry("B", 1), key=key)
        again = apply(shop, ADJUST, entry("A", 3, rows=2), entry("B", 1), key=key)
        assert again == first
        assert counts(first) == (2, 0, 1)
        assert shop.product("A").on_hand == 8
        apply(shop, ADJUST, entry("A", 3, rows=2), key=key_of("another"))
        assert shop.product("A").on_hand == 11

    def test_an_import_goes_on_after_its_last_batch(self, shop: Shop) -> None:
        shop.set("A", 5)
        key, batches = key_of(), [batch_of(ADJUST, entry("A", 1), entry("B", 1)), batch_of(ADJUST, entry("C", 1, "x"))]
        states = [ImportState()]
        for batch in batches:
            states.append(state_after(states[-1], batch, apply_batch(shop, batch, key, states[-1])))
            assert shop.storage.imports.state(key) == states[-1]
        assert states[-1] == ImportState(applied=1, unchanged=0, refused=2, after=("C", "x"))
        with pytest.raises(OmsError, match="idempotency_key_in_use"):
            apply_batch(shop, batches[0], key, states[0])
        with pytest.raises(OmsError, match="idempotency_key_in_use"):
            apply_batch(shop, batch_of(ADJUST, entry("D", 1)), key, states[1])
        assert shop.product("A").on_hand == 6

    def test_refusals_are_kept_under_the_key(self, shop: Shop) -> None:
        key, skus = key_of(), [f"SKU-{number}" for number in range(6)]
        first = apply(shop, ADJUST, *(entry(sku, 1) for sku in skus[:4]), key=key)
        since = shop.storage.imports.state(key)
        second = apply(shop, ADJUST, *(entry(sku, 1) for sku in skus[4:]), key=key, since=since)
        apply(shop, ADJUST, entry("SKU-0", 1), key=key_of("another"))
        read = shop.storage.imports.refusals
        everything = [*first.refusals, *second.refusals]
        assert read(key, after=None, to=("SKU-9", ""), limit=100) == everything
        assert read(key, after=("SKU-1", "main"), to=("SKU-9", ""), limit=2) == everything[2:4]
        assert read(key, after=("SKU-1", "lane"), to=("SKU-3", "main"), limit=100) == everything[1:4]

    def test_the_key_of_another_content_is_refused(self, shop: Shop) -> None:
        shop.set("A", 5)
        apply(shop, ADJUST, entry("A", 1), key=key_of())
        other = key_of(fingerprint=b"g" * 32)
        with pytest.raises(OmsError, match="idempotency_key_reused"):
            shop.storage.imports.state(other)
        with pytest.raises(OmsError, match="idempotency_key_reused"):
            apply(shop, ADJUST, entry("A", 1), key=other)
        assert shop.product("A").on_hand == 6

    def test_a_key_is_its_actors_own(self, shop: Shop) -> None:
        shop.set("A", 5)
        for actor in ("one", "another"):
            apply(shop, ADJUST, entry("A", 1), key=key_of(actor=actor, fingerprint=actor.encode()))
        assert shop.product("A").on_hand == 7
