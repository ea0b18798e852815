"""The service in memory, and a client that checks every answer against the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from oms_core import Oms, Settings
from oms_http.app import create_app
from oms_http.settings import HttpSettings

pytest.register_assert_rewrite("tests.http.asking", "tests.http.conformance")

from tests.http.conformance import ConformingClient  # noqa: E402  Its assertions are rewritten as it is imported.


@pytest.fixture
def oms() -> Iterator[Oms]:
    with Oms.open(Settings(database_url="memory://")) as opened:
        yield opened


@pytest.fixture
def app(oms: Oms) -> Flask:
    return conforming(oms)


@pytest.fixture
def client(app: Flask) -> ConformingClient:
    return client_of(app)


def conforming(oms: Oms, settings: HttpSettings | None = None) -> Flask:
    app = create_app(oms, settings=settings)
    app.test_client_class = ConformingClient
    return app


def client_of(app: Flask) -> ConformingClient:
    client = app.test_client()
    assert isinstance(client, ConformingClient)
    return client
