"""Documents: what goes in as JSON comes out as it, and nothing is shown in two ways."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oms_contracts.storage_contract.shop import CLERK, Shop, new_shop, placed
from oms_memory import MemoryStorage

from oms_core import FieldError, OmsError, OrderFilter, OrderStatus
from oms_core.documents.json_text import parse_json
from oms_core.documents.orders import read_keyed_order, read_order, show_event, show_order, show_refusal, show_time
from oms_core.documents.stock import show_movement, show_product
from oms_core.domain.characters import identifier_fault
from oms_core.domain.currencies import CURRENCIES, decimals_of
from oms_core.domain.money import format_money, from_ten_thousandths, parse_money
from oms_core.domain.orders.new_orders import placed_order
from oms_core.domain.orders.placement import Placement
from oms_core.ports.clock import SystemClock
from oms_core.use_cases.orders.prepare_placement import prepare_placement

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
texts = st.text(min_size=1, max_size=20).filter(lambda text: not identifier_fault(text))
skus = st.text("ABCß日😀-_. 0", min_size=1, max_size=9).filter(
    lambda sku: sku == sku.strip() and sku not in {".", ".."}
)
prices = st.integers(0, 10**12).map(lambda amount_e4: format_money(from_ten_thousandths(amount_e4)))
lines = st.lists(
    st.fixed_dictionaries(
        {"sku": skus, "quantity": st.integers(1, 1_000_000)}, optional={"unit_price": st.none() | prices}
    ),
    min_size=1,
    max_size=5,
)
documents = st.fixed_dictionaries(
    {"customer_id": texts, "lines": lines},
    optional={
        "currency": st.none() | st.sampled_from(sorted(code for code in CURRENCIES if decimals_of(code))),
        "reference": st.none() | texts,
        "metadata": st.none() | st.dictionaries(texts, st.just("") | texts, max_size=5),
        "idempotency_key": st.none() | texts,
    },
)


def prepared(document: dict[str, Any]) -> Placement:
    return prepare_placement(read_keyed_order(document), caller=CLERK, clock=SystemClock(), currency="EUR")


@given(documents)
def test_an_order_is_shown_as_it_was_sent(document: dict[str, Any]) -> None:
    shown = show_order(placed_order(prepared(parse_json(json.dumps(document).encode()))))  # type: ignore[arg-type]
    assert shown["customer_id"] == document["customer_id"]
    assert shown["currency"] == (document.get("currency") or "EUR")
    assert shown["reference"] == document.get("reference")
    assert shown["metadata"] == (document.get("metadata") or {})
    assert shown["lines"] == [
        {"line_no": number, "unit_price": None, **line} for number, line in enumerate(document["lines"], start=1)
    ]
    assert json.loads(json.dumps(shown)) == shown


@given(documents)
def test_what_is_shown_can_be_sent_again_as_the_same_order(document: dict[str, Any]) -> None:
    first = prepared(document)
    shown = show_order(placed_order(first))
    again = {name: shown[name] for name in ("customer_id", "currency", "reference", "metadata")}
    again["lines"] = [
        {name: line[name] for name in ("sku", "quantity", "unit_price")}
        for line in cast("list[dict[str, Any]]", shown["lines"])
    ]
    second = prepared(again | {"idempotency_key": first.command.idempotency_key})
    assert (second.fingerprint, second.total, second.command.lines) == (
        first.fingerprint,
        first.total,
        first.command.lines,
    )


@given(documents)
def test_a_total_is_the_sum_of_what_is_shown(document: dict[str, Any]) -> None:
    shown = show_order(placed_order(prepared(document)))
    amounts = [(line.get("unit_price"), line["quantity"]) for line in document["lines"]]
    if any(price is None for price, _ in amounts):
        assert shown["total"] is None
    else:
        assert parse_money(cast("str", shown["total"])) == sum(Decimal(price) * units for price, units in amounts)


def test_an_order_is_shown_with_exactly_its_fields() -> None:
    shop = new_shop(MemoryStorage())
    shop.set("A", 5)
    order = placed(shop.place(shop.order(("A", 2, "1.5"), customer_id="C7"))[0]).order
    assert show_order(order) == {
        "id": str(order.id),
        "status": "pending",
        "customer_id": "C7",
        "reference": None,
        "currency": "EUR",
        "lines": [{"line_no": 1, "sku": "A", "quantity": 2, "unit_price": "1.50"}],
        "total": "3.00",
        "metadata": {},
        "hold_seconds": None,
        "hold_until": None,
        "hold_extensions": 0,
        "payment_reference": None,
        "locations": None,
        "failure": None,
        "attempts": 0,
        "version": 1,
        "created_at": "2026-01-02T03:04:05.679902Z",
        "updated_at": "2026-01-02T03:04:05.679902Z",
    }


@pytest.fixture
def shop() -> Shop:
    """A shop where an order was placed and cancelled."""
    shop = new_shop(MemoryStorage())
    shop.set("A", 5, name="A thing", low_stock_threshold=2, reason="opening", reference="R")
    order = shop.buy(("A", 2))
    shop.move(order.id, OrderStatus.CANCELLED, reason="no longer wanted")
    return shop


def test_a_product_is_shown_with_exactly_its_fields(shop: Shop) -> None:
    level = {"on_hand": 5, "reserved": 0, "available": 5}
    assert show_product(shop.product("A")) == {
        "sku": "A",
        "name": "A thing",
        **level,
        "unsellable": 0,
        "locations": [{"location": "main", **level, "kept_back": 0}],
        "low_stock_threshold": 2,
        "version": 3,
        "updated_at": "2026-01-02T03:04:05.680903Z",
    }


def test_a_row_of_the_ledger_is_shown_with_exactly_its_fields(shop: Shop) -> None:
    rows = [show_movement(row) for row in shop.movements("A")]
    assert rows[0] == {
        "id": 1,
        "sku": "A",
        "location": "main",
        "kind": "count",
        "on_hand_delta": 5,
        "reserved_delta": 0,
        "order_id": None,
        "line_no": None,
        "act_id": None,
        "reason": "opening",
        "reference": "R",
        "actor": "clerk",
        "created_at": "2026-01-02T03:04:05.678901Z",
    }
    (order,) = shop.storage.orders.find(OrderFilter(), after=None, limit=9)
    assert [(row["kind"], row["order_id"], row["line_no"]) for row in rows[1:]] == [
        ("reserve", str(order.id), 1),
        ("release", str(order.id), 1),
    ]


def test_an_event_is_shown_with_exactly_its_fields(shop: Shop) -> None:
    (order,) = shop.storage.orders.find(OrderFilter(), after=None, limit=9)
    assert show_event(shop.events(order.id)[1]) == {
        "id": 2,
        "type": "order.cancelled",
        "order_id": str(order.id),
        "sku": None,
        "order_version": 2,
        "data": {"from": "pending", "to": "cancelled", "reason": "no longer wanted"},
        "actor": "clerk",
        "request_id": "request-1",
        "created_at": "2026-01-02T03:04:05.680903Z",
    }


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (NOW, "2026-01-02T03:04:05.000006Z"),
        (NOW.replace(microsecond=0), "2026-01-02T03:04:05.000000Z"),
        (NOW.astimezone(timezone(timedelta(hours=-8))), "2026-01-02T03:04:05.000006Z"),
    ],
)
def test_a_time_is_shown_in_utc_with_microseconds(time: datetime, shown: str) -> None:
    assert show_time(time) == shown


def test_a_refusal_is_shown_with_its_figures_and_findings() -> None:
    error = OmsError(
        "insufficient_inventory",
        "the detail",
        data={"shortages": [{"sku": "A", "requested": 2, "available": 1}]},
        errors=[FieldError(pointer="/lines/0", code="c", detail="d")],
    )
    assert show_refusal(error) == {
        "code": "insufficient_inventory",
        "detail": "the detail",
        "retry": "after_change",
        "shortages": [{"sku": "A", "requested": 2, "available": 1}],
        "errors": [{"pointer": "/lines/0", "code": "c", "detail": "d"}],
    }
    assert "errors" not in show_refusal(OmsError("forbidden", "no"))


def test_null_means_not_given() -> None:
    order = read_order(
        {
            "customer_id": "C",
            "currency": None,
            "reference": None,
            "metadata": None,
            "lines": [{"sku": "A", "quantity": 1}],
        }
    )
    assert (order.currency, order.reference, order.metadata) == (None, None, {})


def test_the_identity_of_an_order_is_not_its_senders_to_choose() -> None:
    with pytest.raises(OmsError) as caught:
        read_order({"customer_id": "C", "id": str(UUID(int=1)), "lines": [{"sku": "A", "quantity": 1}]})
    assert [found.pointer for found in caught.value.errors] == ["/id"]


def test_a_document_is_read_to_its_hundredth_finding_and_no_further() -> None:
    read: list[int] = []

    class Line(dict[str, object]):
        def get(self, name: str, default: object = None) -> object:
            read.append(1)
            return super().get(name, default)

    lines = [Line(sku="A", quantity=1, surplus=1) for _ in range(2_000)]
    with pytest.raises(OmsError) as caught:
        read_order({"customer_id": "C1", "lines": lines})
    assert len(caught.value.errors) == 100
    assert len(read) < 400
