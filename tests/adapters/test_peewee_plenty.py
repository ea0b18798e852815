"""Orders for products of which PostgreSQL has plenty are written unread, and are right whatever has changed since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop, placed, refused
from oms_peewee.postgresql import open_postgresql
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.plenty import Doubt, Plenty
from oms_peewee.postgresql.statements import Call

from oms_core import Product
from oms_core.domain.stock.products import StockLevel
from oms_core.ports.storage import StorageOptions
from tests.services.postgresql import connected

PLENTY = 1_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hands:
    """Two processes on one database, as far as memory goes; what each statement of the first was called."""

    ours: Shop
    theirs: Shop
    statements: list[str]


@pytest.fixture
def hands(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    ours, theirs = (open_postgresql(postgresql_url, StorageOptions()) for _ in range(2))
    ours.schema.upgrade()
    statements: list[str] = []
    note_statements(statements, monkeypatch)
    yield Hands(new_shop(ours), new_shop(theirs, seed=1), statements)
    ours.close()
    theirs.close()


def note_statements(statements: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run = PostgresqlSession._run

    def noting(session: PostgresqlSession, calls: list[Call], *, end: str = "") -> object:
        statements.extend(statement.name for statement, _ in calls)
        return run(session, calls, end=end)

    monkeypatch.setattr(PostgresqlSession, "_run", noting)


def names_of(hands: Hands, work: Callable[[], object]) -> list[str]:
    """Give the names of the statements that something takes."""
    hands.statements.clear()
    work()
    return hands.statements


ONE_ROUND_TRIP = ["place_orders", "lock_known_levels", "reserve_quietly"]


def filled(hands: Hands, *skus: str, **given: object) -> Shop:
    """Set the stock, place an order for it, and so have our hand remember that there is plenty."""
    for sku in skus:
        hands.ours.set(sku, PLENTY, **given)
    hands.ours.buy(*((sku, 1) for sku in skus))
    return hands.ours


def test_what_is_there_in_plenty_is_read_once(hands: Hands) -> None:
    ours = filled(hands, "A", "B")
    assert names_of(hands, lambda: ours.buy(("A", 2), ("B", 1), idempotency_key="K")) == ONE_ROUND_TRIP
    assert ours.levels("A") == {"main": (PLENTY, 3)}
    assert not ours.audit().discrepancies


def test_of_a_batch_what_is_not_remembered_is_read(hands: Hands) -> None:
    ours = filled(hands, "A")
    ours.set("B", 5)
    names = names_of(hands, lambda: ours.buy(("A", 1), ("B", 5)))
    assert names[0] == "read_products"
    assert "read_products_and_keys" not in names
    assert refused(ours.place(ours.order(("A", 1), ("B", 1)))[0]).data == {
        "shortages": [{"sku": "B", "requested": 1, "available": 0}]
    }


def test_what_would_be_refused_is_a_replay_where_its_key_was_used(hands: Hands) -> None:
    ours = filled(hands, "A")
    ours.set("B", 1)
    first = ours.buy(("B", 1), idempotency_key="K")
    (again,) = ours.place(ours.order(("B", 1), idempotency_key="K"))
    assert placed(again).order.id == first.id
    assert names_of(hands, lambda: ours.buy(("A", 1)))[0] == "read_products_and_keys"


def test_a_key_that_was_used_is_found_by_writing_it(hands: Hands) -> None:
    ours = filled(hands, "A")
    first = ours.buy(("A", 1), idempotency_key="K")
    again, other, new = ours.place(
        ours.order(("A", 1), idempotency_key="K"),
        ours.order(("A", 2), idempotency_key="K"),
        ours.order(("A", 1), idempotency_key="L"),
    )
    assert placed(again).order.id == first.id
    assert placed(again).replayed
    assert refused(other).code == "idempotency_key_reused"
    assert not placed(new).replayed
    assert ours.levels("A") == {"main": (PLENTY, 3)}


def test_after_a_wrong_guess_everything_is_read_for_a_while(hands: Hands) -> None:
    ours = filled(hands, "A")
    ours.buy(("A", 1), idempotency_key="K")
    ours.place(ours.order(("A", 1), idempotency_key="K"))
    assert names_of(hands, lambda: ours.buy(("A", 1)))[0] == "read_products_and_keys"


def test_what_others_have_sold_meanwhile_is_not_sold_again(hands: Hands) -> None:
    ours = filled(hands, "A")
    hands.theirs.buy(("A", PLENTY - 3))
    kept, lacking = ours.place(ours.order(("A", 2)), ours.order(("A", 2)))
    assert not placed(kept).replayed
    assert refused(lacking).data == {"shortages": [{"sku": "A", "requested": 2, "available": 0}]}


def test_what_was_wrong_is_not_relied_upon_after_the_doubt(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = filled(hands, "A")
    hands.theirs.buy(("A", PLENTY - 3))
    ours.buy(("A", 2))
    monkeypatch.setattr(Doubt, "lasts", lambda _: False)
    assert names_of(hands, lambda: ours.place(ours.order(("A", 1))))[0] == "read_products"


def test_a_location_that_others_have_opened_meanwhile_is_served_from(hands: Hands) -> None:
    ours = replace(filled(hands, "A", location="main"), locations=("east", "main"))
    hands.theirs.set("A", 5, location="east")
    ours.buy(("A", 1))
    assert ours.levels("A") == {"east": (5, 1), "main": (PLENTY, 1)}


def test_of_several_locations_the_first_is_served_from_unread(hands: Hands) -> None:
    ours = replace(hands.ours, locations=("east", "main"))
    for location in ("east", "main"):
        ours.set("A", PLENTY, location=location)
    ours.buy(("A", 1))
    assert names_of(hands, lambda: ours.buy(("A", 2))) == ONE_ROUND_TRIP
    assert ours.levels("A") == {"east": (PLENTY, 3), "main": (PLENTY, 0)}


def test_a_product_with_an_empty_location_is_read_each_time(hands: Hands) -> None:
    ours = replace(hands.ours, locations=("east", "main"))
    ours.set("A", 1, location="east")
    ours.set("A", PLENTY, location="main")
    ours.buy(("A", 2))
    hands.theirs.set("A", 5, location="east")
    ours.buy(("A", 1))
    assert ours.levels("A")["east"] == (5, 2)


def test_a_threshold_that_others_have_set_meanwhile_is_minded(hands: Hands, postgresql_url: str) -> None:
    ours = filled(hands, "A")
    hands.theirs.set("A", low_stock_threshold=PLENTY - 2)
    ours.buy(("A", 1))
    with connected(postgresql_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT type FROM events WHERE sku = 'A'")
        assert cursor.fetchall() == [("stock.low",)]


def test_orders_for_what_orders_name_are_accepted_unread(hands: Hands) -> None:
    ours = hands.ours
    ours.set("A", 1)
    first = ours.queue_up(("A", 1), idempotency_key="K")
    assert names_of(hands, lambda: ours.queue_up(("A", 1), idempotency_key="L")) == ["queue_orders"]
    (again,) = ours.accept(ours.order(("A", 1), idempotency_key="K"))
    assert placed(again).order.id == first.id
    assert refused(ours.accept(ours.order(("A", 1), ("UNKNOWN", 1)))[0]).code == "unknown_sku"


def test_a_product_that_was_read_but_never_ordered_may_be_deleted(hands: Hands) -> None:
    ours = hands.ours
    ours.set("A")
    ours.set("B", 1)
    assert refused(ours.accept(ours.order(("A", 1), ("UNKNOWN", 1)))[0]).code == "unknown_sku"
    hands.theirs.delete("A")
    assert refused(ours.accept(ours.order(("A", 1)))[0]).code == "unknown_sku"


def test_a_batch_gets_queue_numbers_in_its_order_whatever_its_keys(hands: Hands) -> None:
    ours = hands.ours
    ours.set("A", 1)
    batch = [ours.order(("A", 1), idempotency_key=key) for key in ("C", "A", "B")]
    numbers = [placed(outcome).order.queue_no for outcome in ours.accept(*batch)]
    assert numbers == sorted(numbers, key=lambda number: number or 0)
    assert [ours.get(each.id).queue_no for each in batch] == numbers


def product(*available: int, threshold: int | None = None) -> Product:
    levels = tuple(
        StockLevel(location=f"L{number}", on_hand=units, reserved=0, version=1)
        for number, units in enumerate(available)
    )
    return Product(sku="A", name="", low_stock_threshold=threshold, levels=levels, updated_at=NOW)


@pytest.mark.parametrize(
    ("there", "share"),
    [
        (product(160), 10),
        (product(160, threshold=80), 5),
        (product(160, 320), 10),
        (product(15), 0),
        (product(160, 0), 0),
        (product(), 0),
    ],
)
def test_a_process_takes_a_sixteenth_unread(there: Product, share: int) -> None:
    plenty = Plenty()
    plenty.remember([there])
    assert not plenty.take({"A": share + 1})
    assert [bool(plenty.take({"A": 1})) for _ in range(share + 1)] == [True] * share + [False]


def test_doubt_lasts_a_second() -> None:
    time = [0.0]
    doubt = Doubt(clock=lambda: time[0])
    assert not doubt.lasts()
    doubt.begin()
    time[0] = 0.9
    doubt.begin()
    assert doubt.lasts()
    time[0] = 1.0
    assert not doubt.lasts()
