"""Finding out who presents a key, and how long what was read of it is believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from oms_contracts.concurrency import run_together

from oms_core import Caller, OmsError, RotateApiKey, Scope
from oms_core.authentication.key_cache import ApiKeyCache
from tests.core.authentication.authentication_fixtures import DEADLINE_SECONDS, NOBODYS, ROOT, Gate, wrong
from tests.services.threads import status_in_child


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_a_key_names_its_caller(gate: Gate) -> None:
    issued = gate.create(scopes={Scope.ORDERS_WRITE}, customer_id="C1")
    expected = Caller(name="shop", scopes=frozenset({Scope.ORDERS_WRITE}), customer_id="C1", request_id="R1")
    assert gate.enter(issued.token) == expected
    assert gate.enter(issued.token) == expected
    assert gate.enter(issued.token).rate_key == "name:shop"


def test_a_key_that_is_remembered_opens_with_its_own_token_only(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
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
        assert gate.code(other) in {"unauthenticated", "rate_limited"}, repr(other)
    gate.enter(token)


def test_a_caller_of_another_request_differs_in_that_alone(gate: Gate) -> None:
    caller = Caller(name="shop", scopes=frozenset({Scope.ORDERS_READ}), customer_id="C1", address="::1")
    for request_id in (None, "R1", "a-b.c", "0f"):
        assert caller.of_request(request_id) == replace(caller, request_id=request_id)
    for request_id in ("", "\x00", "x" * 129, "\ud800"):
        with pytest.raises(OmsError, match="validation_error"):
            caller.of_request(request_id)


def test_keys_of_one_name_are_one_caller(gate: Gate) -> None:
    first = gate.create()
    second = gate.oms.api_keys.rotate(RotateApiKey(name="shop"), caller=ROOT)
    assert gate.enter(first.token) == gate.enter(second.token)


def test_whatever_is_wrong_with_a_key_it_is_told_in_the_same_words() -> None:
    gate = Gate(limit=None)
    good, old, gone = (
        gate.create("good"),
        gate.create("old", expires_at=gate.time + timedelta(days=1)),
        gate.create("gone"),
    )
    gate.revoke("gone")
    gate.wait(86_400)
    errors = [gate.refusal(token) for token in ("", "x", NOBODYS, wrong(good), old.token, gone.token)]
    assert {(error.code, error.detail, tuple(error.data)) for error in errors} == {
        ("unauthenticated", errors[0].detail, ())
    }


def test_a_key_in_use_is_read_once_in_two_seconds(gate: Gate) -> None:
    issued = gate.create()
    for _ in range(10):
        gate.enter(issued.token)
        gate.wait(0.19)
    assert gate.reads == 1
    gate.wait(0.1)
    for _ in range(10):
        gate.enter(issued.token)
    assert gate.reads == 2


def test_a_revocation_elsewhere_is_honoured_with_the_next_read(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    gate.revoke()
    gate.wait(1.99)
    gate.enter(issued.token)
    gate.wait(0.01)
    assert gate.code(issued.token) == "unauthenticated"
    assert gate.code(issued.token) == "unauthenticated"
    assert gate.reads == 2, "that it is revoked is remembered too"


def test_what_this_process_changes_is_honoured_at_once() -> None:
    gate = Gate()
    issued = gate.create()
    oms = gate.oms
    oms.authenticate(issued.token)
    oms.api_keys.rotate(RotateApiKey(name="shop", overlap_seconds=0), caller=ROOT)
    with pytest.raises(OmsError, match="unauthenticated"):
        oms.authenticate(issued.token)
    fresh = oms.api_keys.rotate(RotateApiKey(name="shop"), caller=ROOT)
    other = gate.create("other")
    assert (oms.authenticate(fresh.token).name, oms.authenticate(other.token).name) == ("shop", "other")
    oms.api_keys.revoke("shop", caller=ROOT)
    with pytest.raises(OmsError, match="unauthenticated"):
        oms.authenticate(fresh.token)
    oms.authenticate(other.token)


def test_an_expiry_is_honoured_at_once(gate: Gate) -> None:
    issued = gate.create(expires_at=gate.time + timedelta(seconds=1))
    gate.enter(issued.token)
    gate.wait(0.999)
    gate.enter(issued.token)
    gate.wait(0.001)
    assert (gate.code(issued.token), gate.reads) == ("unauthenticated", 1)


def test_while_one_reads_a_key_again_the_others_go_on_with_it(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    gate.wait(2)
    begun, go_on = Event(), Event()

    def read_slowly() -> None:
        begun.set()
        assert go_on.wait(DEADLINE_SECONDS)

    def go_on_meanwhile() -> None:
        assert begun.wait(DEADLINE_SECONDS)
        for _ in range(5):
            gate.enter(issued.token)
        go_on.set()

    gate.reading = read_slowly
    run_together([lambda: gate.enter(issued.token), go_on_meanwhile])
    assert gate.reads == 2


def test_of_many_at_once_one_reads_a_key_again(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    gate.wait(2)
    run_together([lambda: gate.enter(issued.token)] * 16)
    assert gate.reads == 2


def test_nobody_goes_on_with_a_key_for_more_than_five_seconds(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    gate.revoke()
    gate.wait(2)
    seconds = []

    def look_in_meanwhile() -> None:
        gate.reading = lambda: None
        gate.wait(2.9)
        gate.enter(issued.token)
        seconds.append(gate.seconds)
        gate.wait(0.1)
        assert gate.code(issued.token) == "unauthenticated"

    gate.reading = look_in_meanwhile
    assert gate.code(issued.token) == "unauthenticated"
    assert seconds == [1_004.9]


def test_while_the_database_is_away_a_key_opens_for_five_seconds(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    gate.is_away = True
    gate.wait(4.99)
    gate.enter(issued.token)
    gate.wait(0.01)
    assert gate.code(issued.token) == "storage_unavailable"
    gate.is_away = False
    gate.enter(issued.token)


def test_a_defect_met_while_a_key_goes_on_opening_is_logged(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    gate.wait(4)

    def fail() -> None:
        raise OmsError("internal_error", "made up")

    gate.reading = fail
    gate.enter(issued.token)
    assert [(record.levelname, "made up" in record.message) for record in caplog.records] == [("ERROR", True)]


def test_who_waits_for_the_database_for_too_long_does_not_go_on_with_an_old_key(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    gate.wait(2)
    gate.is_away = True
    gate.reading = lambda: gate.wait(3)
    assert gate.code(issued.token) == "storage_unavailable"


def test_a_database_that_is_away_is_nobodys_guess(gate: Gate) -> None:
    issued = gate.create()
    gate.is_away = True
    assert {gate.code(issued.token) for _ in range(10)} == {"storage_unavailable"}
    assert gate.counter.asked == 0


def test_the_keys_read_longest_ago_give_way() -> None:
    gate = Gate(entries_max=2)
    one, two, three = (gate.create(name) for name in ("one", "two", "three"))
    for issued in (one, two, three):
        gate.enter(issued.token)
    assert gate.reads == 3
    gate.enter(three.token)
    gate.enter(two.token)
    assert gate.reads == 3
    gate.enter(one.token)
    assert gate.reads == 4


def test_a_wrong_secret_is_not_remembered_and_drives_nothing_out() -> None:
    gate = Gate(entries_max=1, limit=None)
    good, other = gate.create("good"), gate.create("other")
    gate.enter(good.token)
    for _ in range(5):
        assert gate.code(wrong(other)) == gate.code(wrong(good)) == gate.code(NOBODYS) == "unauthenticated"
    reads = gate.reads
    gate.enter(good.token)
    assert gate.reads == reads


def test_a_late_read_does_not_undo_a_later_one(gate: Gate) -> None:
    issued = gate.create()
    cache = ApiKeyCache(gate.read, gate.monotonic)
    late, late_at = cache.read(issued.key.id)
    gate.wait(1)
    gate.revoke()
    later, later_at = cache.read(issued.key.id)
    cache.remember(later, later_at)
    cache.remember(late, late_at)
    entry = cache.find(issued.key.id.hex)
    assert entry is not None
    assert entry.stored == later


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_remembers_nothing(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)

    def enter() -> None:
        gate.enter(issued.token)
        assert gate.reads == 2

    assert status_in_child(enter) == 0
    gate.enter(issued.token)
    assert gate.reads == 1
