"""Lists over HTTP that were read on a replica say how old they may be; what is answered of one thing is as of now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_memory import MemoryStorage

from oms_core import Oms, Ports, Settings
from tests.http.asking import place, read, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming
from tests.memory_replica import AWAY, MemoryReplica
from tests.services.waiting import wait_until

SECONDS = 20.0
LAG = "OMS-Replica-Lag"
LISTS = ["/v1/orders", "/v1/inventory", "/v1/inventory/WIDGET/movements"]


@pytest.fixture
def replica() -> MemoryReplica:
    return MemoryReplica(MemoryStorage())


@pytest.fixture
def client(replica: MemoryReplica) -> Iterator[ConformingClient]:
    ports = Ports(storage=replica.primary, replica=replica)
    with Oms(settings=Settings(database_url="memory://", group_commit=False), ports=ports) as oms:
        client = client_of(conforming(oms))
        stock(client)
        yield client


@pytest.mark.parametrize("path", LISTS)
def test_a_list_from_the_replica_says_how_old_it_may_be(client: ConformingClient, path: str) -> None:
    assert 0.0 <= float(client.get(path).headers[LAG]) < 5.0


@pytest.mark.parametrize("path", LISTS)
def test_a_list_from_the_primary_says_nothing(client: ConformingClient, replica: MemoryReplica, path: str) -> None:
    replica.place_fault = AWAY
    answer = client.get(path)
    assert answer.status_code == 200
    assert LAG not in answer.headers


def test_a_stale_list_tells_its_lag_and_the_order_itself_is_there(
    client: ConformingClient, replica: MemoryReplica
) -> None:
    assert read(client.get("/v1/orders"))["items"] == []
    replica.stop()
    placed = place(client)
    stale = client.get("/v1/orders")
    assert read(stale)["items"] == []
    assert float(stale.headers[LAG]) > 0.0
    for path in (f"/v1/orders/{placed['id']}", f"/v1/orders/{placed['id']}/events", "/v1/inventory/WIDGET"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert LAG not in answer.headers
    assert read(client.get("/v1/inventory/WIDGET"))["reserved"] > 0


def test_every_page_tells_its_own(client: ConformingClient, replica: MemoryReplica) -> None:
    placed = [place(client)["id"] for _ in range(3)]
    first = client.get("/v1/orders?limit=2")
    replica.read_fault = AWAY
    second = client.get(f"/v1/orders?limit=2&cursor={read(first)['next']}")
    assert (LAG in first.headers, LAG in second.headers) == (True, False)
    assert [item["id"] for page in (first, second) for item in read(page)["items"]] == placed[::-1]


def test_the_service_is_ready_without_its_replica_and_says_that_it_is_degraded(
    client: ConformingClient, replica: MemoryReplica
) -> None:
    assert read(client.get("/readyz"))["degraded"] == []
    replica.place_fault = AWAY
    wait_until(lambda: read(client.get("/readyz"))["degraded"] == ["replica"], SECONDS, "it says so")
    assert client.get("/readyz").status_code == 200
    replica.place_fault = None
    wait_until(lambda: read(client.get("/readyz"))["degraded"] == [], SECONDS, "it is used again, without a list")
