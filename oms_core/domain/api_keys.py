"""API keys: their states, the commands that make them, and the token that a caller presents."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from oms_core.domain.callers import ADMINISTRATION, COMMANDS_NAME, LOCAL_NAME, WORKER_NAME, Scope
from oms_core.domain.identifiers import uuid7
from oms_core.domain.limits import (
    CUSTOMER_ID_LENGTH_MAX,
    KEY_LIFETIME_DAYS_MAX,
    KEY_NAME_LENGTH_MAX,
    KEY_OVERLAP_SECONDS_DEFAULT,
    KEY_OVERLAP_SECONDS_MAX,
)
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError

SECRET_BITS = 256
ID_BITS = 62
DIGEST_BYTES = 32
# Where the key's id stands in a token.
TOKEN_ID = slice(4, 36)
# The actors of what is done without an API key. A key with such a name would share their idempotency keys.
RESERVED_NAMES = frozenset({LOCAL_NAME, COMMANDS_NAME, WORKER_NAME})

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@-]{{0,{KEY_NAME_LENGTH_MAX - 1}}}", re.ASCII)
_TOKEN = re.compile(rf"oms_([0-9a-f]{{32}})_([0-9a-f]{{{SECRET_BITS // 4}}})", re.ASCII)
_NOBODYS_DIGEST = bytes(DIGEST_BYTES)


class ApiKeyState(StrEnum):
    """Whether a key is accepted, and if not, why."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key of a name, without its secret.

    The name is the principal: it is the actor of everything done with any of its keys. The keys of a name are numbered
    from 1 and have the same scopes and customer. `last_used_at` is exact to about a minute.
    """

    id: UUID
    name: str
    number: int
    scopes: frozenset[Scope]
    customer_id: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    last_used_at: datetime | None = None

    def state(self, now: datetime) -> ApiKeyState:
        """Return the key's state at a time; a revoked key stays revoked after its expiry."""
        if self.revoked_at is not None:
            return ApiKeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return ApiKeyState.EXPIRED
        return ApiKeyState.ACTIVE

    @property
    def lifetime(self) -> timedelta | None:
        """Return how long the key was made for; None means without end."""
        return None if self.expires_at is None else self.expires_at - self.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredApiKey:
    """A key as it is stored: with the SHA-256 of its secret."""

    key: ApiKey
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedApiKey:
    """A key that was just made, with the token to present. The token is shown this once and never again."""

    key: ApiKey
    token: str = field(repr=False)


class PresentedKey:
    """What a caller presented: the key's id in hexadecimal, and its secret. One is made per request, so it is cheap."""

    __slots__ = ("_secret", "id_text")

    def __init__(self, id_text: str, secret: str) -> None:
        self.id_text = id_text
        self._secret = secret

    @property
    def id(self) -> UUID:
        """The key's id."""
        return UUID(self.id_text)

    def opens(self, stored: StoredApiKey | None) -> bool:
        """Return whether the secret is this key's. The check takes equally long where there is no such key."""
        digest = digest_of(self._secret)
        is_same = hmac.compare_digest(digest, _NOBODYS_DIGEST if stored is None else stored.digest)
        return is_same and stored is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiKey:
    """Make the first key of a name. `customer_id` binds it to one customer; without `expires_at` it does not expire.

    Raises OmsError `validation_error` with a JSON Pointer per wrong value.
    """

    name: str
    scopes: Collection[Scope]
    customer_id: str | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_key_name(findings, self.name)
        _check_scopes(findings, self.scopes, is_bound=self.customer_id is not None)
        if self.customer_id is not None:
            findings.identifier("/customer_id", self.customer_id, longest=CUSTOMER_ID_LENGTH_MAX)
        _check_expiry(findings, self.expires_at)
        findings.raise_if_any()
        object.__setattr__(self, "scopes", frozenset(self.scopes))


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateApiKey:
    """Make a further key of a name; the former ones end `overlap_seconds` from now, unless they end before.

    Without `expires_at` the new key gets the lifetime of the one before.
    """

    name: str
    overlap_seconds: int = KEY_OVERLAP_SECONDS_DEFAULT
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_key_name(findings, self.name)
        findings.whole_number("/overlap_seconds", self.overlap_seconds, highest=KEY_OVERLAP_SECONDS_MAX)
        _check_expiry(findings, self.expires_at)
        findings.raise_if_any()


def check_key_name(findings: Findings, name: object) -> None:
    """Check the name of a key: 1 to 64 of `A-Za-z0-9._@-`, beginning with a letter or a digit; case-sensitive."""
    if not isinstance(name, str):
        findings.add("/name", "wrong_type", "must be a string")
    elif not _NAME.fullmatch(name):
        detail = f"must be 1 to {KEY_NAME_LENGTH_MAX} of A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit"
        findings.add("/name", "bad_name", detail)


def check_bound_scopes(findings: Findings, scopes: Collection[Scope]) -> None:
    """Check the scopes of a key that is bound to a customer."""
    if refused := ADMINISTRATION.intersection(scopes):
        detail = f"must not hold {' or '.join(sorted(refused))}: the key is bound to a customer"
        findings.add("/scopes", "not_for_customer", detail)


def first_key(
    command: CreateApiKey, *, created_by: str, now: datetime, random_bits: int, days_max: int | None = None
) -> ApiKey:
    """Return the first key of a name. `days_max` bounds its lifetime, and is its lifetime if the command names none.

    Raise `key_name_taken` for a reserved name, `validation_error` for a bad expiry.
    """
    if command.name.lower() in RESERVED_NAMES:
        raise key_name_taken(command.name)
    check_expiry_at(command.expires_at, now, days_max)
    longest = _longest(days_max)
    return ApiKey(
        id=uuid7(now, random_bits),
        name=command.name,
        number=1,
        scopes=frozenset(command.scopes),
        customer_id=command.customer_id,
        created_at=now,
        created_by=created_by,
        expires_at=command.expires_at or (None if longest is None else now + longest),
    )


def next_key(
    latest: ApiKey,
    command: RotateApiKey,
    *,
    created_by: str,
    now: datetime,
    random_bits: int,
    days_max: int | None = None,
) -> ApiKey:
    """Return the key that follows the latest of a name; `days_max` is as in `first_key`.

    Raise `validation_error` for a bad expiry.
    """
    check_expiry_at(command.expires_at, now, days_max)
    longest = _longest(days_max)
    lives = longest if latest.lifetime is None else min(latest.lifetime, longest or latest.lifetime)
    return replace(
        latest,
        id=uuid7(now, random_bits),
        number=latest.number + 1,
        created_at=now,
        created_by=created_by,
        expires_at=command.expires_at or (None if lives is None else now + lives),
        revoked_at=None,
        revoked_by=None,
        last_used_at=None,
    )


def secret_text(random_bits: int) -> str:
    """Write 256 random bits as a secret."""
    return f"{random_bits:0{SECRET_BITS // 4}x}"


def token_of(key_id: UUID, secret: str) -> str:
    """Write the token that a caller presents: `oms_<id>_<secret>`."""
    return f"oms_{key_id.hex}_{secret}"


def parse_token(token: str) -> PresentedKey | None:
    """Read a token; None for any text that `token_of` does not write."""
    found = _TOKEN.fullmatch(token)
    return None if found is None else PresentedKey(*found.groups())


def is_token_of(stored: StoredApiKey, token: str) -> bool:
    """Return whether a token is this key's, assuming that the id in it is this key's id."""
    if not (token.startswith("oms_") and token[36:37] == "_" and token.isascii()):
        return False
    return hmac.compare_digest(hashlib.sha256(token[37:].encode()).digest(), stored.digest)


def digest_of(secret: str) -> bytes:
    """Return the digest that is stored of a secret. It has 256 random bits, so nothing slower than one SHA-256 is
    needed.
    """
    return hashlib.sha256(secret.encode()).digest()


def key_not_found(name: str) -> OmsError:
    """Return the error for a name that has no key."""
    return OmsError("key_not_found", f"no key has the name {name[:KEY_NAME_LENGTH_MAX]!a}")


def key_name_taken(name: str) -> OmsError:
    """Return the error for a name that is taken, or was once."""
    return OmsError("key_name_taken", f"the name {name!a} is taken, and no name is given twice; rotate makes a new key")


def check_expiry_at(expires_at: datetime | None, now: datetime, days_max: int | None = None) -> None:
    """Raise `validation_error` for an expiry that is past, or too far in the future."""
    days_max = days_max or KEY_LIFETIME_DAYS_MAX
    if expires_at is None:
        return
    if expires_at <= now:
        raise one_finding("/expires_at", "out_of_range", "must be in the future")
    if expires_at > now + timedelta(days=days_max):
        raise one_finding("/expires_at", "out_of_range", f"must be within {days_max} days")


def _longest(days_max: int | None) -> timedelta | None:
    return timedelta(days=days_max) if days_max else None


def _check_scopes(findings: Findings, scopes: object, *, is_bound: bool) -> None:
    if isinstance(scopes, str) or not isinstance(scopes, Collection) or not all(isinstance(s, Scope) for s in scopes):
        findings.add("/scopes", "unknown_scope", f"must be some of {', '.join(Scope)}")
    elif not scopes:
        findings.add("/scopes", "too_few", "must name one scope at least")
    elif is_bound:
        check_bound_scopes(findings, scopes)


def _check_expiry(findings: Findings, expires_at: object) -> None:
    if expires_at is None:
        return
    if not isinstance(expires_at, datetime):
        findings.add("/expires_at", "wrong_type", "must be a time")
    elif expires_at.tzinfo is None:
        findings.add("/expires_at", "bad_time", "must have an offset")
