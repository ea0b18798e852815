"""Finding out who presents a key, and how long what was read of it is believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from oms_contracts.concurrency import run_together

from oms_core import Caller, OmsError, RotateApiKey, Scope
from oms_core.authentication.key_cache import ApiKeyCache
from tests.core.authentication.authentication_fixtures import DEADLINE_SECONDS, NOBODYS, ROOT, Authenticator, wrong
from tests.services.threads import status_in_child


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator()


def test_a_key_names_its_caller(authenticator: Authenticator) -> None:
    issued = authenticator.create(scopes={Scope.ORDERS_WRITE}, customer_id="C1")
    expected = Caller(name="shop", scopes=frozenset({Scope.ORDERS_WRITE}), customer_id="C1", request_id="R1")
    assert authenticator.caller_of(issued.token) == expected
    assert authenticator.caller_of(issued.token) == expected
    assert authenticator.caller_of(issued.token).rate_key == "name:shop"


def test_a_key_that_is_remembered_opens_with_its_own_token_only(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    token = issued.token
    for other in (
        wrong(issued),
        token[:-1],
        token + "0",
        token.upper(),
        "OMS_" + token[4:],
        token[:36] + "-" + token[37:],
        token[:36],
        token[:37],
        token[:-1] + "\ud800",
        token[:-1] + "\u00e9",
    ):
        assert authenticator.code(other) in {"unauthenticated", "rate_limited"}, repr(other)
    authenticator.caller_of(token)


def test_a_caller_of_another_request_differs_in_that_alone(authenticator: Authenticator) -> None:
    caller = Caller(name="shop", scopes=frozenset({Scope.ORDERS_READ}), customer_id="C1", address="::1")
    for request_id in (None, "R1", "a-b.c", "0f"):
        assert caller.of_request(request_id) == replace(caller, request_id=request_id)
    for request_id in ("", "\x00", "x" * 129, "\ud800"):
        with pytest.raises(OmsError, match="validation_error"):
            caller.of_request(request_id)


def test_keys_of_one_name_are_one_caller(authenticator: Authenticator) -> None:
    first = authenticator.create()
    second = authenticator.oms.api_keys.rotate(RotateApiKey(name="shop"), caller=ROOT)
    assert authenticator.caller_of(first.token) == authenticator.caller_of(second.token)


def test_whatever_is_wrong_with_a_key_it_is_told_in_the_same_words() -> None:
    authenticator = Authenticator(limit=None)
    good, old, gone = (
        authenticator.create("good"),
        authenticator.create("old", expires_at=authenticator.time + timedelta(days=1)),
        authenticator.create("gone"),
    )
    authenticator.revoke("gone")
    authenticator.wait(86_400)
    errors = [authenticator.refusal(token) for token in ("", "x", NOBODYS, wrong(good), old.token, gone.token)]
    assert {(error.code, error.detail, tuple(error.data)) for error in errors} == {
        ("unauthenticated", errors[0].detail, ())
    }


def test_a_key_in_use_is_read_once_in_two_seconds(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    for _ in range(10):
        authenticator.caller_of(issued.token)
        authenticator.wait(0.19)
    assert authenticator.reads == 1
    authenticator.wait(0.1)
    for _ in range(10):
        authenticator.caller_of(issued.token)
    assert authenticator.reads == 2


def test_a_revocation_elsewhere_is_honoured_with_the_next_read(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    authenticator.revoke()
    authenticator.wait(1.99)
    authenticator.caller_of(issued.token)
    authenticator.wait(0.01)
    assert authenticator.code(issued.token) == "unauthenticated"
    assert authenticator.code(issued.token) == "unauthenticated"
    assert authenticator.reads == 2, "that it is revoked is remembered too"


def test_what_this_process_changes_is_honoured_at_once() -> None:
    authenticator = Authenticator()
    issued = authenticator.create()
    oms = authenticator.oms
    oms.authenticate(issued.token)
    oms.api_keys.rotate(RotateApiKey(name="shop", overlap_seconds=0), caller=ROOT)
    with pytest.raises(OmsError, match="unauthenticated"):
        oms.authenticate(issued.token)
    fresh = oms.api_keys.rotate(RotateApiKey(name="shop"), caller=ROOT)
    other = authenticator.create("other")
    assert (oms.authenticate(fresh.token).name, oms.authenticate(other.token).name) == ("shop", "other")
    oms.api_keys.revoke("shop", caller=ROOT)
    with pytest.raises(OmsError, match="unauthenticated"):
        oms.authenticate(fresh.token)
    oms.authenticate(other.token)


def test_an_expiry_is_honoured_at_once(authenticator: Authenticator) -> None:
    issued = authenticator.create(expires_at=authenticator.time + timedelta(seconds=1))
    authenticator.caller_of(issued.token)
    authenticator.wait(0.999)
    authenticator.caller_of(issued.token)
    authenticator.wait(0.001)
    assert (authenticator.code(issued.token), authenticator.reads) == ("unauthenticated", 1)


def test_while_one_reads_a_key_again_the_others_go_on_with_it(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    authenticator.wait(2)
    begun, go_on = Event(), Event()

    def read_slowly() -> None:
        begun.set()
        assert go_on.wait(DEADLINE_SECONDS)

    def go_on_meanwhile() -> None:
        assert begun.wait(DEADLINE_SECONDS)
        for _ in range(5):
            authenticator.caller_of(issued.token)
        go_on.set()

    authenticator.reading = read_slowly
    run_together([lambda: authenticator.caller_of(issued.token), go_on_meanwhile])
    assert authenticator.reads == 2


def test_of_many_at_once_one_reads_a_key_again(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    authenticator.wait(2)
    run_together([lambda: authenticator.caller_of(issued.token)] * 16)
    assert authenticator.reads == 2


def test_nobody_goes_on_with_a_key_for_more_than_five_seconds(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    authenticator.revoke()
    authenticator.wait(2)
    seconds = []

    def look_in_meanwhile() -> None:
        authenticator.reading = lambda: None
        authenticator.wait(2.9)
        authenticator.caller_of(issued.token)
        seconds.append(authenticator.seconds)
        authenticator.wait(0.1)
        assert authenticator.code(issued.token) == "unauthenticated"

    authenticator.reading = look_in_meanwhile
    assert authenticator.code(issued.token) == "unauthenticated"
    assert seconds == [1_004.9]


def test_while_the_database_is_away_a_key_opens_for_five_seconds(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    authenticator.is_away = True
    authenticator.wait(4.99)
    authenticator.caller_of(issued.token)
    authenticator.wait(0.01)
    assert authenticator.code(issued.token) == "storage_unavailable"
    authenticator.is_away = False
    authenticator.caller_of(issued.token)


def test_a_defect_met_while_a_key_goes_on_opening_is_logged(
    authenticator: Authenticator, caplog: pytest.LogCaptureFixture
) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    authenticator.wait(4)

    def fail() -> None:
        raise OmsError("internal_error", "made up")

    authenticator.reading = fail
    authenticator.caller_of(issued.token)
    assert [(record.levelname, "made up" in record.message) for record in caplog.records] == [("ERROR", True)]


def test_who_waits_for_the_database_for_too_long_does_not_go_on_with_an_old_key(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    authenticator.wait(2)
    authenticator.is_away = True
    authenticator.reading = lambda: authenticator.wait(3)
    assert authenticator.code(issued.token) == "storage_unavailable"


def test_a_database_that_is_away_is_nobodys_failed_attempt(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.is_away = True
    assert {authenticator.code(issued.token) for _ in range(10)} == {"storage_unavailable"}
    assert authenticator.counter.asked == 0


def test_the_keys_read_longest_ago_give_way() -> None:
    authenticator = Authenticator(entries_max=2)
    one, two, three = (authenticator.create(name) for name in ("one", "two", "three"))
    for issued in (one, two, three):
        authenticator.caller_of(issued.token)
    assert authenticator.reads == 3
    authenticator.caller_of(three.token)
    authenticator.caller_of(two.token)
    assert authenticator.reads == 3
    authenticator.caller_of(one.token)
    assert authenticator.reads == 4


def test_a_wrong_secret_is_not_remembered_and_drives_nothing_out() -> None:
    authenticator = Authenticator(entries_max=1, limit=None)
    good, other = authenticator.create("good"), authenticator.create("other")
    authenticator.caller_of(good.token)
    for _ in range(5):
        assert (
            authenticator.code(wrong(other))
            == authenticator.code(wrong(good))
            == authenticator.code(NOBODYS)
            == "unauthenticated"
        )
    reads = authenticator.reads
    authenticator.caller_of(good.token)
    assert authenticator.reads == reads


def test_a_late_read_does_not_undo_a_later_one(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    cache = ApiKeyCache(authenticator.read, authenticator.monotonic)
    late, late_at = cache.read(issued.key.id)
    authenticator.wait(1)
    authenticator.revoke()
    later, later_at = cache.read(issued.key.id)
    cache.remember(later, later_at)
    cache.remember(late, late_at)
    entry = cache.find(issued.key.id.hex)
    assert entry is not None
    assert entry.stored == later


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_remembers_nothing(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)

    def enter() -> None:
        authenticator.caller_of(issued.token)
        assert authenticator.reads == 2

    assert status_in_child(enter) == 0
    authenticator.caller_of(issued.token)
    assert authenticator.reads == 1
