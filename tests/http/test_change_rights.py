"""Who may change lines of an order over HTTP: it depends on the status, on prices, and on whose order it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, Scope, SetStock, Settings
from tests.http.asking import order, read, refused
from tests.http.changing import change, further, of_line, try_out
from tests.http.conftest import client_of, conforming

STAFF = Caller(name="staff", scopes=ALL_SCOPES)
LINE = of_line(1)


class Shop:
    """A service that asks for keys: one that may place orders, one that may manage them too, and another customer's."""

    def __init__(self, oms: Oms) -> None:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10), caller=STAFF)
        self.client = client_of(conforming(oms))
        buying = [Scope.ORDERS_READ, Scope.ORDERS_WRITE]
        self.buyer = self._key(oms, "buyer", buying, "C1")
        self.manager = self._key(oms, "manager", [Scope.ORDERS_READ, Scope.ORDERS_MANAGE], "C1")
        self.stranger = self._key(oms, "stranger", [*buying, Scope.ORDERS_MANAGE], "C2")

    def _key(self, oms: Oms, name: str, scopes: list[Scope], customer: str) -> dict[str, str]:
        command = CreateApiKey(name=name, scopes=scopes, customer_id=customer)
        return {"Authorization": f"Bearer {oms.api_keys.create(command, caller=STAFF).token}"}

    def place(self, headers: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
        """Place an order of the buyer's."""
        sent = {**self.buyer, **(headers or {})}
        return read(self.client.post("/v1/orders", json=order(quantity=2, **members), headers=sent))


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Oms.open(Settings(database_url="memory://", auth="keys")) as oms:
        yield Shop(oms)


@pytest.mark.parametrize(
    ("members", "headers", "status"),
    [({}, {}, "pending"), ({"hold_seconds": 60}, {}, "held"), ({}, {"Prefer": "respond-async"}, "queued")],
)
def test_whoever_places_orders_changes_them_until_somebody_has_begun(
    shop: Shop, members: dict[str, Any], headers: dict[str, str], status: str
) -> None:
    placed = shop.place(headers, **members)
    assert placed["status"] == status
    for ask in (try_out, change):
        assert ask(shop.client, placed, of_line(1), further(), headers=shop.buyer).status_code == 200
        problem = refused(ask(shop.client, placed, further(unit_price="1"), headers=shop.buyer), 403, "forbidden")
        assert problem["scope"] == "orders:manage"
    assert change(shop.client, placed, further(unit_price="1"), headers=shop.manager).status_code == 200


def test_once_somebody_has_begun_it_takes_a_manager(shop: Shop) -> None:
    placed = shop.place()
    shop.client.put(f"/v1/orders/{placed['id']}/status", json={"status": "processing"}, headers=shop.manager)
    for ask in (try_out, change):
        assert refused(ask(shop.client, placed, LINE, headers=shop.buyer), 403, "forbidden")["scope"] == "orders:manage"
    assert change(shop.client, placed, LINE, headers=shop.manager).status_code == 200


def test_another_customers_order_is_not_there(shop: Shop) -> None:
    placed = shop.place()
    for ask in (try_out, change):
        refused(ask(shop.client, placed, LINE, headers=shop.stranger), 404, "order_not_found")
    path = f"/v1/orders/{placed['id']}"
    refused(shop.client.patch(path, json={"reference": "R"}, headers=shop.stranger), 404, "order_not_found")
    assert read(shop.client.get(path, headers=shop.buyer)) == placed
