"""The service under any WSGI server: opened when it is first needed, from the environment."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest
from oms_prometheus import PrometheusMetrics
from werkzeug.test import Client

from oms_core import OmsError
from oms_core.domain.metrics import ORDERS_DECIDED
from oms_http import wsgi
from oms_http.service.metrics_app import metrics_app
from oms_http.settings import HttpSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

IMPORTING = """
import os, sys, threading
os.environ["OMS_NONSENSE"] = "1"
before = threading.active_count()
import oms_http, oms_http.wsgi
assert threading.active_count() == before
assert "oms_memory" not in sys.modules and "peewee" not in sys.modules and "prometheus_client" not in sys.modules
"""


class FromHere:
    """An application whose requests come from this machine, which werkzeug's client does not say."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._app({"REMOTE_ADDR": "127.0.0.1", **environ}, start_response)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_DATABASE_URL", "memory://")


def test_importing_reads_and_opens_nothing() -> None:
    subprocess.run([sys.executable, "-c", IMPORTING], check=True, timeout=60)


def test_the_application_opens_at_its_first_request() -> None:
    client = Client(FromHere(wsgi.LazyApplication()))
    assert client.put("/v1/inventory/A", json={"on_hand": 1}).status_code == 201
    assert client.get("/v1/inventory/A").get_json()["on_hand"] == 1


def test_requests_that_come_at_once_share_one_application() -> None:
    app = FromHere(wsgi.LazyApplication())
    start = threading.Barrier(8)
    statuses: list[int] = []

    def put(number: int) -> None:
        start.wait()
        statuses.append(Client(app).put(f"/v1/inventory/{number}", json={"on_hand": 1}).status_code)

    threads = [threading.Thread(target=put, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 8
    assert len(Client(app).get("/v1/inventory").get_json()["items"]) == 8


def test_a_factory_refuses_a_wrong_setting_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_PORT", "eighty")
    with pytest.raises(OmsError, match="OMS_PORT must be a whole number"):
        wsgi.create()


def test_a_factory_makes_the_application() -> None:
    client = wsgi.create().test_client()
    client.put("/v1/inventory/A", json={"on_hand": 1})
    assert (
        b'oms_http_requests_total{method="PUT",route="/v1/inventory/<sku>",status="201"}' in client.get("/metrics").data
    )


@pytest.mark.parametrize(("threads", "waiting"), [(2, 1), (8, 6), (32, 27), (256, 223)])
def test_some_threads_stay_free_to_read_and_to_refuse(threads: int, waiting: int) -> None:
    assert wsgi.waiting_max(HttpSettings(http_threads=threads)) == waiting


def test_metrics_can_be_served_alone() -> None:
    metrics = PrometheusMetrics()
    metrics.count(ORDERS_DECIDED, "placed")
    client = Client(metrics_app(metrics))
    response = client.get("/metrics")
    assert b'oms_orders_decided_total{outcome="placed"} 1.0' in response.data
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert (client.head("/metrics").status_code, client.head("/metrics").data) == (200, b"")
    assert client.get("/").status_code == 404
    assert (client.post("/metrics").status_code, client.post("/metrics").headers["Allow"]) == (405, "GET, HEAD")
