"""Every 500 has a line in the log under its request id, wherever its cause was met."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from oms_core import Oms, Settings
from tests.http.asking import read
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming

pytestmark = pytest.mark.usefixtures("answered_by")

TRIGGERS = """
CREATE TRIGGER no_order BEFORE INSERT ON orders BEGIN SELECT RAISE(ABORT, 'the words of a driver'); END;
CREATE TRIGGER no_move BEFORE INSERT ON stock_movements BEGIN SELECT RAISE(ABORT, 'the words of a driver'); END;
CREATE TRIGGER no_key BEFORE INSERT ON api_keys BEGIN SELECT RAISE(ABORT, 'the words of a driver'); END;
CREATE TRIGGER no_event BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the words of a driver'); END;
"""
ORDER = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ConformingClient]:
    """A service whose database refuses what no table of errors knows."""
    with Oms.open(Settings(database_url=f"sqlite:///{tmp_path}/oms.db")) as oms:
        client = client_of(conforming(oms))
        assert client.put("/v1/inventory/WIDGET", json={"on_hand": 10}).status_code in {200, 201}
        assert client.post("/v1/orders", json=ORDER, headers={"X-Request-ID": "first"}).status_code == 201
        with closing(sqlite3.connect(tmp_path / "oms.db")) as connection:
            connection.executescript(TRIGGERS)
        yield client


def move(client: ConformingClient) -> object:
    order_id = read(client.get("/v1/orders"))["items"][0]["id"]
    return client.put(f"/v1/orders/{order_id}/status", json={"status": "processing"}, headers={"X-Request-ID": "mine"})


ASKED: dict[str, Callable[[ConformingClient], object]] = {
    "order": lambda client: client.post("/v1/orders", json=ORDER, headers={"X-Request-ID": "mine"}),
    "batch": lambda client: client.post(
        "/v1/orders/batch", json={"orders": [ORDER, ORDER]}, headers={"X-Request-ID": "mine"}
    ),
    "accept": lambda client: client.post(
        "/v1/orders", json=ORDER, headers={"X-Request-ID": "mine", "Prefer": "respond-async"}
    ),
    "count": lambda client: client.put("/v1/inventory/WIDGET", json={"on_hand": 20}, headers={"X-Request-ID": "mine"}),
    "key": lambda client: client.post(
        "/v1/keys", json={"name": "shop", "scopes": ["orders:read"]}, headers={"X-Request-ID": "mine"}
    ),
    "move": move,
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_what_no_table_of_errors_knows_is_in_the_log_under_the_request(
    client: ConformingClient, ask: Callable[[ConformingClient], object], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response: object = ask(client)
    assert b"words of a driver" not in response.data  # type: ignore[attr-defined]
    assert b"internal_error" in response.data  # type: ignore[attr-defined]
    lines = [record for record in caplog.records if "request mine" in record.message]
    assert lines
    assert any("the words of a driver" in line for line in caplog.text.splitlines())
