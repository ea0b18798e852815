"""How long a refusal takes tells nothing of a key."""

from __future__ import annotations

import hmac

import pytest

from tests.core.authentication.authentication_fixtures import NOBODYS, Authenticator, wrong


def test_a_secret_is_compared_in_constant_time_whether_its_key_exists_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = Authenticator(limit=None)
    issued = authenticator.create()
    compare, compared = hmac.compare_digest, []

    def noting(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    for token in (NOBODYS, wrong(issued), issued.token):
        compared.clear()
        if token == issued.token:
            authenticator.caller_of(token)
        else:
            assert authenticator.code(token) == "unauthenticated"
        assert compared == [(32, 32)]
