"""Who guesses, or holds a stale key, and those who come from the same address: nobody shuts out his neighbours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from oms_core.authentication.key_cache import OPENED_SECONDS
from oms_core.authentication.refused_tokens import REFUSED_SECONDS, RefusedTokens
from oms_core.errors import ErrorKind
from tests.core.authentication.authentication_fixtures import HERE, LIMIT, NOBODYS, THERE, Gate, guess, wrong
from tests.services.threads import status_in_child


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_a_key_that_has_opened_within_hours_opens_whatever_else_comes_from_its_address(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    for seconds in (0, 10, OPENED_SECONDS - 11):
        gate.wait(seconds)
        gate.guess_until_refused(HERE)
        assert gate.enter(issued.token).name == "shop"
    gate.wait(10)
    reads = gate.reads
    assert gate.code(wrong(issued)) == "rate_limited"
    assert gate.reads == reads, "its id alone lets nobody pass"
    gate.wait(OPENED_SECONDS)
    gate.guess_until_refused(HERE)
    assert gate.code(issued.token) == "rate_limited", "nothing is remembered for ever"


def test_a_key_that_this_process_has_just_changed_is_still_no_strangers(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    gate.authenticate.forget("shop")
    gate.guess_until_refused(HERE)
    reads = gate.reads
    assert gate.enter(issued.token).name == "shop"
    assert gate.reads == reads + 1, "what was read of it before is not believed"


def test_a_key_that_opened_and_was_revoked_is_refused_whoever_waits(gate: Gate) -> None:
    issued = gate.create()
    gate.enter(issued.token)
    gate.revoke()
    gate.wait(10)
    reads = gate.reads
    gate.guess_until_refused(HERE)
    assert gate.refusal(issued.token).kind in {ErrorKind.UNAUTHENTICATED, ErrorKind.LIMITED}
    assert gate.reads == reads + LIMIT.count + 1, "it was looked up, and is revoked"


@pytest.mark.parametrize("stale", ["unknown", "wrong", "garbage", "revoked", "expired"])
def test_a_stale_client_at_one_request_a_second_shuts_out_nobody_beside_it(stale: str) -> None:
    gate = Gate(real_limiter=True)
    issued = gate.create("stale", expires_at=gate.time + timedelta(seconds=1 if stale == "expired" else 86_400))
    if stale == "revoked":
        gate.revoke("stale")
    token = {"unknown": NOBODYS, "wrong": wrong(issued), "garbage": "a key\ud800"}.get(stale, issued.token)
    honest = [gate.create(f"honest-{number}").token for number in range(60)]
    gate.wait(1)
    codes = []
    for fresh in honest:  # Each is seen here for the first time, as after a start.
        codes.append(gate.code(token))
        assert gate.enter(fresh).name.startswith("honest")
        gate.wait(1)
    assert codes[:3] == ["unauthenticated"] * 3
    assert codes[3] == "rate_limited", "the stale one has a limit too"


def test_who_guesses_beside_a_stale_client_is_limited_all_the_same(gate: Gate) -> None:
    for _ in range(20):
        gate.code(NOBODYS)
    for number in range(4):
        gate.code(guess(number))
    assert gate.counter.taken[f"address:{HERE}"] == LIMIT.count
    assert gate.code(gate.create().token) == "rate_limited"


def test_what_was_refused_once_is_not_looked_up_again(gate: Gate) -> None:
    gate.code(NOBODYS)
    reads = gate.reads
    gate.code(NOBODYS)
    gate.code(NOBODYS, THERE)
    assert gate.reads == reads
    gate.wait(REFUSED_SECONDS)
    gate.code(NOBODYS)
    assert gate.reads == reads + 1


def test_the_tokens_that_were_refused_are_bounded() -> None:
    gate = Gate(limit=None)
    for number in range(21):
        gate.code(guess(number))
    reads = gate.reads
    gate.code(guess(1))
    assert gate.reads == reads
    gate.code(guess(0))
    assert gate.reads == reads + 1


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_remembers_no_refused_token() -> None:
    refused = RefusedTokens()
    refused.add(NOBODYS)
    assert refused.has(NOBODYS)

    def use_it() -> None:
        assert not refused.has(NOBODYS)
        refused.add(NOBODYS)
        assert refused.has(NOBODYS)

    assert status_in_child(use_it) == 0


def test_keys_that_have_ended_are_limited_apart_from_guesses(gate: Gate) -> None:
    issued = gate.create()
    gate.revoke()
    assert [gate.code(issued.token) for _ in range(4)] == ["unauthenticated"] * 3 + ["rate_limited"]
    assert gate.metrics.reasons == ["ended_key"] * 3 + ["limited"]
    assert gate.counter.taken == {f"repeats:{HERE}": LIMIT.count}
