"""The service in memory, and a client that checks every answer against the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from flask import Flask

from oms_core import Oms, Settings
from oms_http.app import create_app
from oms_http.settings import HttpSettings

pytest.register_assert_rewrite("tests.http.asking", "tests.http.conformance")

from tests.http.conformance import ConformingClient  # noqa: E402  Its assertions are rewritten as it is imported.
from tests.http.sharing import sharing_a_thread  # noqa: E402


@pytest.fixture
def oms() -> Iterator[Oms]:
    with Oms.open(Settings(database_url="memory://")) as opened:
        yield opened


@pytest.fixture(params=["threads", "batches"])
def answered_by(request: pytest.FixtureRequest) -> str:
    """What answers an order: a thread of its own, or one that it shares. A module that uses this runs with both."""
    return str(request.param)


@pytest.fixture
def app(oms: Oms, request: pytest.FixtureRequest) -> Iterator[Flask]:
    app = conforming(oms)
    shares = "answered_by" in request.fixturenames and request.getfixturevalue("answered_by") == "batches"
    with sharing_a_thread(app) if shares else nullcontext():
        yield app


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
