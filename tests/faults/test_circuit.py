"""The circuit around connecting, by a clock that only the tests move: when it opens, who probes, when it closes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oms_peewee.pool import OPENS_AFTER_SECONDS, Circuit, CircuitOpenError, Missing

from tests.services.threads import status_in_child

PROBE_SECONDS = 0.4


class Away(Exception):
    """The server cannot be reached."""


class Gone(Exception):
    """The server says that it is not the database to work with."""


class Refusing(Exception):
    """The server was reached, and does not want to."""


class Server:
    """What is connected to: `error` is what connecting raises; `now` the time by its clock."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0
        self.now = 100.0
        self.meanwhile: Callable[[], object] | None = None

    def connect(self) -> str:
        self.asked += 1
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        if self.error is not None:
            raise self.error
        return "connection"


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def circuit(server: Server) -> Circuit:
    return Circuit(
        server.connect,
        lambda error: {Away: Missing.FOR_NOW, Gone: Missing.FOR_SURE}.get(type(error)),
        clock=lambda: server.now,
        uniform=lambda _low, _high: PROBE_SECONDS,
    )


def miss(circuit: Circuit) -> None:
    with pytest.raises(Away):
        circuit.connect()


def open_up(circuit: Circuit, server: Server) -> None:
    server.error = Away("connection refused")
    miss(circuit)
    server.now += OPENS_AFTER_SECONDS
    with pytest.raises(CircuitOpenError):
        circuit.connect()


def test_a_blip_does_not_open_it(circuit: Circuit, server: Server) -> None:
    for _ in range(3):
        server.error = Away()
        for _ in range(10):
            miss(circuit)
            server.now += OPENS_AFTER_SECONDS / 10
        server.error = None
        assert circuit.connect() == "connection"


def test_three_seconds_without_a_success_open_it_and_callers_are_refused_without_trying(
    circuit: Circuit, server: Server
) -> None:
    open_up(circuit, server)
    asked = server.asked
    for _ in range(5):
        with pytest.raises(CircuitOpenError, match="connection refused"):
            circuit.connect()
    assert server.asked == asked


def test_what_is_missing_for_sure_opens_it_at_once(circuit: Circuit, server: Server) -> None:
    server.error = Gone("session is read-only")
    for _ in range(3):
        with pytest.raises(CircuitOpenError, match="read-only"):
            circuit.connect()
    assert server.asked == 1
    server.error = None
    server.now += PROBE_SECONDS
    assert circuit.connect() == "connection"


def test_success_on_a_connection_that_was_open_already_counts(circuit: Circuit, server: Server) -> None:
    server.error = Away()
    miss(circuit)
    server.now += OPENS_AFTER_SECONDS - 0.1
    circuit.reached()
    server.now += 0.2
    miss(circuit)
    miss(circuit)


def test_one_caller_at_a_time_probes_and_the_first_success_closes_it(circuit: Circuit, server: Server) -> None:
    open_up(circuit, server)
    refused: list[Exception] = []

    def come_too() -> None:
        server.now += 5
        with pytest.raises(CircuitOpenError) as caught:
            circuit.connect()
        refused.append(caught.value)

    for _ in range(3):
        server.now += PROBE_SECONDS
        server.meanwhile = come_too
        asked = server.asked
        with pytest.raises(CircuitOpenError, match="connection refused"):
            circuit.connect()
        assert server.asked == asked + 1
    assert len(refused) == 3
    server.error = None
    server.now += PROBE_SECONDS
    assert [circuit.connect() for _ in range(5)] == ["connection"] * 5


def test_a_probe_that_never_comes_back_is_replaced(circuit: Circuit, server: Server) -> None:
    open_up(circuit, server)
    server.now += PROBE_SECONDS
    server.meanwhile = lambda: (_ for _ in ()).throw(SystemExit)
    with pytest.raises(SystemExit):
        circuit.connect()
    with pytest.raises(CircuitOpenError):
        circuit.connect()
    server.error = None
    server.now += 10
    assert circuit.connect() == "connection"


def test_who_has_an_outcome_to_find_out_is_never_refused(circuit: Circuit, server: Server) -> None:
    open_up(circuit, server)
    asked = server.asked
    with pytest.raises(Away):
        circuit.connect_anyway()
    assert server.asked == asked + 1
    server.error = None
    assert circuit.connect_anyway() == "connection"
    assert circuit.connect() == "connection", "it has closed it for all"


def test_what_a_server_says_that_was_reached_does_not_open_it(circuit: Circuit, server: Server) -> None:
    server.error = Refusing()
    for _ in range(5):
        with pytest.raises(Refusing):
            circuit.connect()
        server.now += OPENS_AFTER_SECONDS


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_finds_out_for_itself(circuit: Circuit, server: Server) -> None:
    open_up(circuit, server)
    server.error = None
    assert status_in_child(circuit.connect) == 0
    with pytest.raises(CircuitOpenError):
        circuit.connect()
