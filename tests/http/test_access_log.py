"""One line of the log for each answer, at debug and at no other level."""

from __future__ import annotations

import logging

import pytest

from oms_http.edge.telemetry import log_answer
from tests.http.conformance import ConformingClient


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "oms_http.edge.telemetry"]


def test_an_answer_is_logged_with_who_asked_what_and_how_it_went(
    client: ConformingClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "oms_http.edge.telemetry"):
        client.get("/v1/orders?customer_id=C1", headers={"X-Request-ID": "R1"})
        client.get("/nowhere", headers={"X-Request-ID": "R2"})
    known, unknown = lines(caplog)
    assert known.startswith("'GET' '/v1/orders' 200 in ")
    assert known.endswith(", request R1")
    assert "caller '-'" not in known
    assert "C1" not in known, "what a query asks is not logged"
    assert "404" in unknown
    assert "caller '-', request R2" in unknown


def test_above_debug_nothing_is_logged(client: ConformingClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "oms_http.edge.telemetry"):
        client.get("/v1/orders")
    assert not lines(caplog)


def test_a_path_cannot_forge_an_access_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "oms_http.edge.telemetry"):
        log_answer("GET", "/x\nERROR forged", 404, request_id="R1", caller="C\n1")
    (line,) = lines(caplog)
    assert "\n" not in line
