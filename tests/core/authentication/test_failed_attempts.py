"""How often one may present keys that open nothing, and what is known of keys that do: when they were last used."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from oms_limits import open_memory
from oms_memory import MemoryStorage

from oms_core import Oms, OmsError, Ports, Settings
from oms_core.domain.rate_limits import RateScope, counted_address
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.rate_limiter import RateLimiterOptions
from tests.core.authentication.authentication_fixtures import HERE, NOBODYS, THERE, Gate, fresh_guess, guess, wrong
from tests.core.worker.worker_fixtures import AWAY


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_after_some_wrong_keys_an_address_has_to_wait_and_the_database_is_not_asked(gate: Gate) -> None:
    issued = gate.create()
    assert [gate.code(guess(number)) for number in range(3)] == ["unauthenticated"] * 3
    reads = gate.reads
    for token in (wrong(issued), issued.token, guess(7), "x", ""):
        error = gate.refusal(token)
        assert (error.code, error.retry_after_seconds) == ("rate_limited", 30)
        assert error.data == {"policy": "auth.failures", "limit": 3, "window_seconds": 60}
    asked = gate.counter.asked
    gate.wait(10)
    assert gate.refusal(issued.token).retry_after_seconds == 20
    assert (gate.reads, gate.counter.asked) == (reads, asked), "neither database nor counter was asked"


def test_refusals_are_counted_by_their_reason(gate: Gate) -> None:
    issued = gate.create()
    for token in (wrong(issued), NOBODYS, "x"):
        gate.code(token)
    gate.code(issued.token)
    gate.enter(issued.token, THERE)
    assert gate.metrics.reasons == ["bad_key", "bad_key", "bad_key", "limited"]


def test_a_database_that_is_away_is_no_refusal(gate: Gate) -> None:
    gate.is_away = True
    assert gate.code(NOBODYS) == "storage_unavailable"
    assert gate.metrics.reasons == []


def test_an_address_that_has_waited_may_come_again(gate: Gate) -> None:
    issued = gate.create()
    for number in range(4):
        gate.code(guess(number))
    gate.wait(30)
    gate.counter.taken.clear()
    assert gate.enter(issued.token).name == "shop"


def test_other_addresses_are_not_held_up(gate: Gate) -> None:
    issued = gate.create()
    for number in range(10):
        gate.code(guess(number))
    assert gate.enter(issued.token, THERE).name == "shop"


def test_good_keys_are_not_counted(gate: Gate) -> None:
    issued = gate.create()
    for _ in range(20):
        gate.enter(issued.token)
        gate.wait(1)
    assert gate.counter.asked == 0


def test_without_an_address_or_a_limit_nothing_is_counted(gate: Gate) -> None:
    assert {gate.code(NOBODYS, None) for _ in range(10)} == {"unauthenticated"}
    free = Gate(limit=None)
    assert {free.code(NOBODYS) for _ in range(10)} == {"unauthenticated"}
    assert gate.counter.asked == free.counter.asked == 0


def test_the_addresses_that_have_to_wait_are_bounded(gate: Gate) -> None:
    for number in range(3):
        gate.guess_until_refused(f"192.0.2.{number}")
    reads, asked = gate.reads, gate.counter.asked
    assert gate.code(fresh_guess(), "192.0.2.2") == gate.code(fresh_guess(), "192.0.2.1") == "rate_limited"
    assert (gate.reads, gate.counter.asked) == (reads, asked)
    assert gate.code(fresh_guess(), "192.0.2.0") == "rate_limited", "its count is known, only not by heart"
    assert (gate.reads, gate.counter.asked) == (reads + 1, asked + 1)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
        ("x" * 1_000, "x" * 64),
    ],
)
def test_a_host_is_counted_as_one_whatever_address_it_takes(address: str, counted: str) -> None:
    assert counted_address(address) == counted


def test_addresses_of_one_ipv6_network_share_their_guesses(gate: Gate) -> None:
    codes = [gate.code(guess(number), f"2001:db8::{number}") for number in range(4)]
    assert codes == ["unauthenticated"] * 3 + ["rate_limited"]
    assert gate.code(guess(4), "2001:db8:0:1::1") == "unauthenticated"


def test_a_real_counter_lets_ten_guesses_through_and_tells_how_long_to_wait() -> None:
    limiter = open_memory("memory://", RateLimiterOptions(metrics=NoMetrics()))
    settings = Settings(auth="keys")
    oms = Oms(settings=settings, ports=Ports(storage=MemoryStorage(), clock=Gate(), rate_limiter=limiter))
    limit = settings.rate_limits_in_force[RateScope.AUTH_FAILURES]
    errors = []
    for number in range(limit.count + 1):
        with pytest.raises(OmsError) as caught:
            oms.authenticate(guess(number), address=HERE)
        errors.append(caught.value)
    assert [error.code for error in errors] == ["unauthenticated"] * 10 + ["rate_limited"]
    assert 1 <= (errors[-1].retry_after_seconds or 0) <= 2 * limit.window_seconds


def test_a_use_is_noted_aside_and_once_a_minute(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    assert gate.last_used_at(issued) is None
    gate.aside.pop()()
    first = gate.last_used_at(issued)
    assert first == gate.time
    for _ in range(29):
        gate.wait(2)
        gate.enter(issued.token)
    assert (gate.aside, gate.last_used_at(issued)) == ([], first)
    gate.wait(2)
    gate.enter(issued.token)
    gate.aside.pop()()
    assert gate.last_used_at(issued) == gate.time


def test_uses_are_noted_one_at_a_time(gate: Gate) -> None:
    one, other = gate.create("one"), gate.create("other")
    gate.enter(one.token)
    gate.enter(other.token)
    assert len(gate.aside) == 1
    gate.aside.pop()()
    gate.wait(2)
    gate.enter(other.token)
    gate.aside.pop()()
    assert gate.last_used_at(other) == gate.time


@pytest.mark.parametrize("fault", [AWAY, ZeroDivisionError("a bug")], ids=str)
def test_a_use_that_cannot_be_noted_is_nobodys_fault(
    gate: Gate, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    issued = gate.create()
    with monkeypatch.context() as broken:
        broken.setattr(gate.storage.keys, "used", fail)
        gate.enter(issued.token)
        gate.aside.pop()()
    gate.wait(2)
    gate.enter(issued.token)
    gate.aside.pop()()
    assert gate.last_used_at(issued) == gate.time


def test_a_key_that_opens_nothing_was_not_used(gate: Gate) -> None:
    issued = gate.create()
    gate.revoke()
    gate.code(issued.token)
    gate.code(wrong(issued))
    assert not gate.aside


def test_a_closed_system_has_noted_what_it_began_to() -> None:
    gate = Gate()
    issued = gate.create()
    gate.oms.authenticate(issued.token)
    gate.oms.close()
    assert gate.last_used_at(issued) == gate.time


def test_a_refusal_is_logged_without_the_secret(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    issued = gate.create()
    with caplog.at_level(logging.DEBUG):
        gate.code(wrong(issued))
        gate.code("not a key\nat all")
    assert len(caplog.messages) == 2
    assert str(issued.key.id) in caplog.messages[0]
    assert HERE in caplog.messages[0]
    assert wrong(issued)[-64:] not in caplog.text
    assert "not a key" not in caplog.text


def test_a_key_whose_row_says_another_digest_does_not_open(gate: Gate) -> None:
    issued = gate.create()
    tables = gate.storage.tables
    tables.api_keys[issued.key.id] = replace(tables.api_keys[issued.key.id], digest=bytes(32))
    assert gate.code(issued.token) == "unauthenticated"
