"""Orders without a hold cost what they did before there were holds: what is sent for them knows of none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_peewee.postgresql import open_postgresql
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.sqlite import open_sqlite
from oms_peewee.sqlite.connections import SqliteSession

from oms_core.domain.orders.placement import Placement, PlacementOutcome
from oms_core.ports.storage import StorageOptions
from tests.adapters.postgresql_databases import migrated_database
from tests.services.databases import PostgresqlServer

Place = Callable[[Shop, Sequence[Placement]], list[PlacementOutcome]]
WAYS: dict[str, Place] = {
    "placed": lambda shop, placements: shop.place(*placements),
    "accepted": lambda shop, placements: shop.accept(*placements),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    if request.param == "sqlite":
        storage = open_sqlite(f"sqlite:///{tmp_path / 'oms.db'}", StorageOptions())
        yield new_shop(storage)
        storage.close()
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    with migrated_database(server) as url:
        storage = open_postgresql(url, StorageOptions())
        yield new_shop(storage)
        storage.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of all that is sent to a database, in turn."""
    texts: list[str] = []

    def spy(session: type, method: str) -> None:
        send = getattr(session, method)

        def sending(self: Any, sql: str, *given: Any) -> Any:
            texts.append(sql)
            return send(self, sql, *given)

        monkeypatch.setattr(session, method, sending)

    spy(PostgresqlSession, "_watched")
    spy(SqliteSession, "execute_sql")
    spy(SqliteSession, "execute_many")
    return texts


def sent_for(sent: list[str], shop: Shop, place: Place, placements: Sequence[Placement]) -> list[str]:
    """Return what is sent for orders when nothing has to be prepared or found out any more."""
    sent.clear()
    place(shop, placements)
    return [*sent]


def batch(shop: Shop) -> list[Placement]:
    """Prepare orders of which none is held."""
    return [shop.order(("WIDGET", 1), ("GADGET", 2)) for _ in range(3)]


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_without_holds_is_sent_as_if_there_were_none(shop: Shop, sent: list[str], way: str) -> None:
    for sku in ("WIDGET", "GADGET"):
        shop.set(sku, 1_000)
    place = WAYS[way]
    before = [sent_for(sent, shop, place, batch(shop)) for _ in range(2)]
    texts = " ".join(text for each in before for text in each)
    held = sent_for(sent, shop, place, [shop.order_to_hold(("WIDGET", 1)), *batch(shop)])
    assert "hold_" in " ".join(held)  # The control: what is held is seen here.
    assert sent_for(sent, shop, place, batch(shop)) == before[-1]
    assert not [word for word in ("hold_", "'confirm'", "payment_") if word in texts]
