"""Requests that place orders pass Flask's contexts by, unless a program has hooked into Flask."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import flask
import pytest
from flask import Flask, Response, signals
from werkzeug.test import Client

from oms_core import Oms
from oms_core.errors import OmsError
from oms_http.requests import Request
from tests.http.asking import order, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming


def passed_on(note: Callable[..., None], response: Response) -> Response:
    note()
    return response


HOOKS: dict[str, Callable[[Flask, Callable[..., None]], object]] = {
    "before a request": lambda app, note: app.before_request(note),
    "after a request": lambda app, note: app.after_request(partial(passed_on, note)),
    "at the end of a request": lambda app, note: app.teardown_request(lambda _: note()),
    "at the end of a context": lambda app, note: app.teardown_appcontext(lambda _: note()),
    "for a path": lambda app, note: app.url_value_preprocessor(lambda *_: note()),
    "of a signal": lambda app, note: signals.request_started.connect(note, app),
}


@pytest.fixture
def has_context(app: Flask) -> list[bool]:
    """Whether Flask had pushed a request, as each request found it."""
    found: list[bool] = []

    class Watched(Request):
        def close(self) -> None:
            found.append(flask.has_request_context())
            super().close()

    app.request_class = Watched
    return found


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/batch"])
def test_what_places_orders_needs_no_context(client: ConformingClient, has_context: list[bool], path: str) -> None:
    stock(client)
    body = order() if path == "/v1/orders" else {"orders": [order()]}
    assert client.post(path, json=body).status_code in {200, 201}
    client.get("/v1/orders")
    assert has_context == [True, False, True]


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_sees_every_request(app: Flask, client: ConformingClient, has_context: list[bool], name: str) -> None:
    noted: list[str] = []

    def note(*_: object, **__: object) -> None:
        noted.append(name)

    HOOKS[name](app, note)
    stock(client)
    assert client.post("/v1/orders", json=order()).status_code == 201
    assert (noted, has_context) == ([name, name], [True, True])


def test_errors_are_answered_as_by_flask(oms: Oms, client: ConformingClient) -> None:
    hooked = conforming(oms)
    hooked.before_request(lambda: None)
    stock(client)
    asked: list[tuple[str, object, int]] = [
        ("insufficient_inventory", order(quantity=99), 409),
        ("validation_error", {}, 422),
        ("payload_too_large", order(reference="x" * 2**20), 413),
    ]
    for code, body, status in asked:
        direct, by_flask = (
            refused(each.post("/v1/orders", json=body), status, code) for each in (client, client_of(hooked))
        )
        assert direct | {"request_id": ""} == by_flask | {"request_id": ""}


def test_a_program_may_answer_errors_in_its_own_way(app: Flask) -> None:
    app.register_error_handler(OmsError, lambda error: (f"mine: {error.code}", 418))
    response = Client(app).post("/v1/orders", json=order("NONE"), environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert (response.status_code, response.text) == (418, "mine: unknown_sku")


def test_a_defect_is_answered_and_logged(
    app: Flask, client: ConformingClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("oms_http.orders.place.read_json", lambda _: 1 / 0)
    response = client.post("/v1/orders", json=order())
    assert (response.status_code, read(response)["code"]) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text
