"""Clients that fail to authenticate, and others at the same address: none shuts out another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from oms_core.authentication.key_cache import OPENED_SECONDS
from oms_core.authentication.refused_tokens import REFUSED_SECONDS, RefusedTokens
from oms_core.errors import ErrorKind
from tests.core.authentication.authentication_fixtures import (
    HERE,
    LIMIT,
    NOBODYS,
    THERE,
    Authenticator,
    unknown_token,
    wrong,
)
from tests.services.threads import status_in_child


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator()


def test_a_key_that_has_opened_within_hours_opens_whatever_else_comes_from_its_address(
    authenticator: Authenticator,
) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    for seconds in (0, 10, OPENED_SECONDS - 11):
        authenticator.wait(seconds)
        authenticator.fail_until_refused(HERE)
        assert authenticator.caller_of(issued.token).name == "shop"
    authenticator.wait(10)
    reads = authenticator.reads
    assert authenticator.code(wrong(issued)) == "rate_limited"
    assert authenticator.reads == reads, "its id alone lets nobody pass"
    authenticator.wait(OPENED_SECONDS)
    authenticator.fail_until_refused(HERE)
    assert authenticator.code(issued.token) == "rate_limited", "nothing is remembered for ever"


def test_a_key_that_this_process_has_just_changed_is_still_no_strangers(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    authenticator.authenticate.forget("shop")
    authenticator.fail_until_refused(HERE)
    reads = authenticator.reads
    assert authenticator.caller_of(issued.token).name == "shop"
    assert authenticator.reads == reads + 1, "what was read of it before is not believed"


def test_a_key_that_opened_and_was_revoked_is_refused_whoever_waits(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.caller_of(issued.token)
    authenticator.revoke()
    authenticator.wait(10)
    reads = authenticator.reads
    authenticator.fail_until_refused(HERE)
    assert authenticator.refusal(issued.token).kind in {ErrorKind.UNAUTHENTICATED, ErrorKind.LIMITED}
    assert authenticator.reads == reads + LIMIT.count + 1, "it was looked up, and is revoked"


@pytest.mark.parametrize("stale", ["unknown", "wrong", "garbage", "revoked", "expired"])
def test_a_stale_client_at_one_request_a_second_shuts_out_nobody_beside_it(stale: str) -> None:
    authenticator = Authenticator(real_limiter=True)
    issued = authenticator.create(
        "stale", expires_at=authenticator.time + timedelta(seconds=1 if stale == "expired" else 86_400)
    )
    if stale == "revoked":
        authenticator.revoke("stale")
    token = {"unknown": NOBODYS, "wrong": wrong(issued), "garbage": "a key\ud800"}.get(stale, issued.token)
    honest = [authenticator.create(f"honest-{number}").token for number in range(60)]
    authenticator.wait(1)
    codes = []
    for fresh in honest:  # Each is seen here for the first time, as after a start.
        codes.append(authenticator.code(token))
        assert authenticator.caller_of(fresh).name.startswith("honest")
        authenticator.wait(1)
    assert codes[:3] == ["unauthenticated"] * 3
    assert codes[3] == "rate_limited", "the stale one has a limit too"


def test_failed_attempts_beside_a_stale_client_are_limited_all_the_same(authenticator: Authenticator) -> None:
    for _ in range(20):
        authenticator.code(NOBODYS)
    for number in range(4):
        authenticator.code(unknown_token(number))
    assert authenticator.counter.taken[f"address:{HERE}"] == LIMIT.count
    assert authenticator.code(authenticator.create().token) == "rate_limited"


def test_what_was_refused_once_is_not_looked_up_again(authenticator: Authenticator) -> None:
    authenticator.code(NOBODYS)
    reads = authenticator.reads
    authenticator.code(NOBODYS)
    authenticator.code(NOBODYS, THERE)
    assert authenticator.reads == reads
    authenticator.wait(REFUSED_SECONDS)
    authenticator.code(NOBODYS)
    assert authenticator.reads == reads + 1


def test_the_tokens_that_were_refused_are_bounded() -> None:
    authenticator = Authenticator(limit=None)
    for number in range(21):
        authenticator.code(unknown_token(number))
    reads = authenticator.reads
    authenticator.code(unknown_token(1))
    assert authenticator.reads == reads
    authenticator.code(unknown_token(0))
    assert authenticator.reads == reads + 1


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


def test_keys_that_have_ended_are_limited_apart_from_failed_attempts(authenticator: Authenticator) -> None:
    issued = authenticator.create()
    authenticator.revoke()
    assert [authenticator.code(issued.token) for _ in range(4)] == ["unauthenticated"] * 3 + ["rate_limited"]
    assert authenticator.metrics.reasons == ["ended_key"] * 3 + ["limited"]
    assert authenticator.counter.taken == {f"repeats:{HERE}": LIMIT.count}
