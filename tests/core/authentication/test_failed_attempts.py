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
from tests.core.authentication.authentication_fixtures import (
    HERE,
    NOBODYS,
    THERE,
    Authenticator,
    fresh_token,
    unknown_token,
    wrong,
)
from tests.core.worker.worker_fixtures import AWAY


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator()


def test_after_some_wrong_keys_an_address_has_to_wait_and_the_database_is_not_asked(
    authenticator: Authenticator,
) -> None:
    issued = authenticator.create()
    assert [authenticator.code(unknown_token(number)) for number in range(3)] == ["unauthenticated"] * 3
    reads = authenticator.reads
    for token in (wrong(issued), issued.token, unknown_token(7), "x", ""):
        error = authenticator.refusal(token)
        assert (error.code, error.retry_after_seconds) == ("rate_limited", 30)
        assert error.data == {"policy": "auth.failures", "limit": 3, "window_seconds": 60}
    asked = authenticator.counter.asked
    authenticator.wait(10)
    assert authenticator.refusal(issued.token).retry_after_seconds == 20
    assert (authenticator.reads, authenticator.counter.asked) == (reads, asked), (
        "neither database nor counter was asked"
    )


def test_refusals_are_counted_by_their_reason(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    for token in (wrong(issued), NOBODYS, "x"):
        authenticator.code(token)
    authenticator.code(issued.token)
    authenticator.caller_of(issued.token, THERE)
    assert authenticator.metrics.reasons == ["bad_key", "bad_key", "bad_key", "limited"]


def test_a_database_that_is_away_is_no_refusal(authenticator: Authenticator) -> None:
    authenticator.is_away = True
    assert authenticator.code(NOBODYS) == "storage_unavailable"
    assert authenticator.metrics.reasons == []


def test_an_address_that_has_waited_may_come_again(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    for number in range(4):
        authenticator.code(unknown_token(number))
    authenticator.wait(30)
    authenticator.counter.taken.clear()
    assert authenticator.caller_of(issued.token).name == "shop"


def test_other_addresses_are_not_held_up(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    for number in range(10):
        authenticator.code(unknown_token(number))
    assert authenticator.caller_of(issued.token, THERE).name == "shop"


def test_good_keys_are_not_counted(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    for _ in range(20):
        authenticator.caller_of(issued.token)
        authenticator.wait(1)
    assert authenticator.counter.asked == 0


def test_without_an_address_or_a_limit_nothing_is_counted(authenticator: Authenticator) -> None:
    assert {authenticator.code(NOBODYS, None) for _ in range(10)} == {"unauthenticated"}
    free = Authenticator(limit=None)
    assert {free.code(NOBODYS) for _ in range(10)} == {"unauthenticated"}
    assert authenticator.counter.asked == free.counter.asked == 0


def test_the_addresses_that_have_to_wait_are_bounded(authenticator: Authenticator) -> None:
    for number in range(3):
        authenticator.fail_until_refused(f"192.0.2.{number}")
    reads, asked = authenticator.reads, authenticator.counter.asked
    assert (
        authenticator.code(fresh_token(), "192.0.2.2")
        == authenticator.code(fresh_token(), "192.0.2.1")
        == "rate_limited"
    )
    assert (authenticator.reads, authenticator.counter.asked) == (reads, asked)
    assert authenticator.code(fresh_token(), "192.0.2.0") == "rate_limited", "its count is known, only not by heart"
    assert (authenticator.reads, authenticator.counter.asked) == (reads + 1, asked + 1)


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


def test_addresses_of_one_ipv6_network_share_their_failed_attempts(authenticator: Authenticator) -> None:
    codes = [authenticator.code(unknown_token(number), f"2001:db8::{number}") for number in range(4)]
    assert codes == ["unauthenticated"] * 3 + ["rate_limited"]
    assert authenticator.code(unknown_token(4), "2001:db8:0:1::1") == "unauthenticated"


def test_a_real_counter_lets_ten_failed_attempts_through_and_tells_how_long_to_wait() -> None:
    limiter = open_memory("memory://", RateLimiterOptions(metrics=NoMetrics()))
    settings = Settings(auth="keys")
    oms = Oms(settings=settings, ports=Ports(storage=MemoryStorage(), clock=Authenticator(), rate_limiter=limiter))
    limit = settings.rate_limits_in_force[RateScope.AUTH_FAILURES]
    errors = []
    for number in range(limit.count + 1):
        with pytest.raises(OmsError) as caught:
            oms.authenticate(unknown_token(number), address=HERE)
        errors.append(caught.value)
    assert [error.code for error in errors] == ["unauthenticated"] * 10 + ["rate_limited"]
    assert 1 <= (errors[-1].retry_after_seconds or 0) <= 2 * limit.window_seconds


def test_a_use_is_noted_aside_and_once_a_minute(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    assert authenticator.last_used_at(issued) is None
    authenticator.aside.pop()()
    first = authenticator.last_used_at(issued)
    assert first == authenticator.time
    for _ in range(29):
        authenticator.wait(2)
        authenticator.caller_of(issued.token)
    assert (authenticator.aside, authenticator.last_used_at(issued)) == ([], first)
    authenticator.wait(2)
    authenticator.caller_of(issued.token)
    authenticator.aside.pop()()
    assert authenticator.last_used_at(issued) == authenticator.time


def test_uses_are_noted_one_at_a_time(authenticator: Authenticator) -> None:
    one, other = authenticator.create("one"), authenticator.create("other")
    authenticator.caller_of(one.token)
    authenticator.caller_of(other.token)
    assert len(authenticator.aside) == 1
    authenticator.aside.pop()()
    authenticator.wait(2)
    authenticator.caller_of(other.token)
    authenticator.aside.pop()()
    assert authenticator.last_used_at(other) == authenticator.time


@pytest.mark.parametrize("fault", [AWAY, ZeroDivisionError("a bug")], ids=str)
def test_a_use_that_cannot_be_noted_is_nobodys_fault(
    authenticator: Authenticator, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    issued = authenticator.create()
    with monkeypatch.context() as broken:
        broken.setattr(authenticator.storage.keys, "used", fail)
        authenticator.caller_of(issued.token)
        authenticator.aside.pop()()
    authenticator.wait(2)
    authenticator.caller_of(issued.token)
    authenticator.aside.pop()()
    assert authenticator.last_used_at(issued) == authenticator.time


def test_a_key_that_opens_nothing_was_not_used(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.revoke()
    authenticator.code(issued.token)
    authenticator.code(wrong(issued))
    assert not authenticator.aside


def test_a_closed_system_has_noted_what_it_began_to() -> None:
    authenticator = Authenticator()
    issued = authenticator.create()
    authenticator.oms.authenticate(issued.token)
    authenticator.oms.close()
    assert authenticator.last_used_at(issued) == authenticator.time


def test_a_refusal_is_logged_without_the_secret(authenticator: Authenticator, caplog: pytest.LogCaptureFixture) -> None:
    issued = authenticator.create()
    with caplog.at_level(logging.DEBUG):
        authenticator.code(wrong(issued))
        authenticator.code("not a key\nat all")
    assert len(caplog.messages) == 2
    assert str(issued.key.id) in caplog.messages[0]
    assert HERE in caplog.messages[0]
    assert wrong(issued)[-64:] not in caplog.text
    assert "not a key" not in caplog.text


def test_a_key_whose_row_says_another_digest_does_not_open(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    tables = authenticator.storage.tables
    tables.api_keys[issued.key.id] = replace(tables.api_keys[issued.key.id], digest=bytes(32))
    assert authenticator.code(issued.token) == "unauthenticated"
