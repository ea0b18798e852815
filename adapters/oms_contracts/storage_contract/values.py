"""Values come back as they went in: money, times, metadata, and text of every sort."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from oms_contracts.clock import TickingClock
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.limits import COUNT_MAX, QUANTITY_MAX
from oms_core.domain.orders.statuses import OrderStatus

TEXTS = [
    "O'Brien; DROP TABLE orders; --",
    '"quoted" \\ back \\\\ slashed',
    "100% _like_ %s %(name)s ?",
    "ß is not SS",
    "日本語テキスト",
    "😀 beyond the first plane",
    "null",
    "{}",
    "e\u0301 (not composed)",
]
# What is kept as it was written where people read it, and would be refused where things are found by it.
PROSE = [
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
    "Dear A,\r\n\thappy birth\u00adday!\n\rB\u2028C",
    " spaces at the ends ",
    "\ufeff\u202edirections\u202c",
    "\\.\\N\\t\"'{},;%s\t\\",
    "\n",
]
AMOUNTS = ["0", "0.0001", "0.1", "12.5", "12.50", "99.9999", "922337203685476", "922337203685477.5807"]
TIMES = [
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2028, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, 0, 123_456, tzinfo=UTC),
]


class ValuePromises:
    """What is read is what was written."""

    @pytest.mark.parametrize("amount", AMOUNTS)
    def test_money_survives_to_the_ten_thousandth(self, shop: Shop, amount: str) -> None:
        shop.set("WIDGET", 1)
        order = shop.get(shop.buy(("WIDGET", 1, amount)).id)
        assert (order.lines[0].unit_price, order.total) == (Decimal(amount), Decimal(amount))

    def test_a_total_is_exact(self, shop: Shop) -> None:
        shop.set("WIDGET", QUANTITY_MAX * 3)
        order = shop.buy(("WIDGET", QUANTITY_MAX, "0.0001"), ("WIDGET", QUANTITY_MAX, "922337203.0001"))
        assert shop.get(order.id).total == Decimal("922337203000200.0000")

    @pytest.mark.parametrize("time", TIMES, ids=str)
    def test_times_survive_with_microseconds_in_utc(self, shop: Shop, time: datetime) -> None:
        shop = Shop(storage=shop.storage, clock=TickingClock(beginning=time, step=timedelta(0)))
        shop.set("WIDGET", 1)
        order = shop.buy(("WIDGET", 1))
        read = [
            shop.get(order.id).created_at,
            shop.get(order.id).updated_at,
            shop.product("WIDGET").updated_at,
            shop.movements("WIDGET")[-1].created_at,
            shop.events(order.id)[0].created_at,
        ]
        assert read == [time] * len(read)
        assert {moment.utcoffset() for moment in read} == {timedelta(0)}

    @pytest.mark.parametrize("text", TEXTS)
    def test_text_survives(self, shop: Shop, text: str) -> None:
        shop = shop.of(Caller(name=text, scopes=ALL_SCOPES, request_id=text))
        shop.set("WIDGET", 5, name=text, reason=text, reference=text)
        metadata = {text: text, "empty": ""}
        order = shop.buy(("WIDGET", 1), customer_id=text, reference=text, metadata=metadata, idempotency_key=text)
        read = shop.get(order.id)
        movement = shop.movements("WIDGET")[0]
        event = shop.events(order.id)[0]
        assert (read.customer_id, read.reference, read.metadata) == (text, text, metadata)
        assert shop.product("WIDGET").name == text
        assert (movement.movement.reason, movement.movement.reference, movement.actor) == (text, text, text)
        assert (event.actor, event.request_id) == (text, text)

    @pytest.mark.parametrize("text", PROSE)
    def test_prose_survives_to_the_byte(self, shop: Shop, text: str) -> None:
        shop.set("WIDGET", 5, name=text, reason=text)
        order = shop.buy(("WIDGET", 1), metadata={"note": text})
        shop.move(order.id, OrderStatus.CANCELLED, reason=text)
        assert shop.product("WIDGET").name == text
        assert shop.movements("WIDGET")[0].movement.reason == text
        assert shop.get(order.id).metadata == {"note": text}
        assert shop.events(order.id)[-1].event.data["reason"] == text

    @pytest.mark.parametrize("sku", ["ß", "Größe 42", "😀", "日本", "a'b", "%", "_", "A\\B", "null", "0", "x" * 64])
    def test_a_sku_and_a_location_may_have_any_letters(self, shop: Shop, sku: str) -> None:
        shop.set(sku, 5, location=sku)
        order = shop.buy((sku, 2))
        assert shop.levels(sku) == {sku: (5, 2)}
        assert shop.get(order.id).lines[0].sku == sku
        assert shop.movements(sku)[-1].movement.location == sku
        assert not shop.audit().discrepancies

    def test_skus_that_differ_in_case_or_accent_are_different_products(self, shop: Shop) -> None:
        skus = ["a", "A", "á", "Á", "ss", "ß", "SS", "i", "\u0131", "I", "İ"]
        for on_hand, sku in enumerate(skus, start=1):
            shop.set(sku, on_hand)
        assert [shop.product(sku).on_hand for sku in skus] == list(range(1, len(skus) + 1))

    def test_fifty_entries_of_metadata_survive(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        metadata = {f"{number:064d}": "v" * 500 for number in range(50)}
        assert shop.get(shop.buy(("WIDGET", 1), metadata=metadata).id).metadata == metadata

    def test_counts_reach_a_million_million(self, shop: Shop) -> None:
        shop.set("WIDGET", COUNT_MAX)
        shop.buy(("WIDGET", QUANTITY_MAX))
        shop.adjust("WIDGET", -1)
        assert shop.levels("WIDGET") == {"main": (COUNT_MAX - 1, QUANTITY_MAX)}
        assert not shop.audit().discrepancies
