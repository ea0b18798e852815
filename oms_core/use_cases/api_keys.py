"""API keys: who may call the service, and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from oms_core.domain.api_keys import (
    ID_BITS,
    SECRET_BITS,
    ApiKey,
    CreateApiKey,
    IssuedApiKey,
    RotateApiKey,
    StoredApiKey,
    check_key_name,
    digest_of,
    first_key,
    key_not_found,
    next_key,
    secret_text,
    token_of,
)
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX
from oms_core.domain.pages import Page, bad_cursor, check_limit, decode_cursor, encode_cursor, page_of, read_row_number
from oms_core.domain.validation import Findings, one_finding
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage

_CURSOR = "keys"
_NUMBER_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeys:
    """API keys by name. `days_max` bounds their lifetimes; `changed` is called with a name whose keys have just
    changed. `shared_names` act without API keys too, for all customers.

    All methods but `any` are for administrators, and raise `forbidden` for others.
    """

    storage: Storage
    clock: Clock
    days_max: int | None
    changed: Callable[[str], None]
    shared_names: Collection[str] = ()

    def create(self, command: CreateApiKey, *, caller: Caller) -> IssuedApiKey:
        """Make the first API key of a name. Its token is in the answer, and is never shown again.

        Raise `key_name_taken`, `validation_error`, `storage_unavailable`, or `outcome_unknown`. After
        `outcome_unknown`, look the name up: if it has a key, the key's token is lost, so rotate it.
        """
        _require_admin(caller)
        _check_shared_name(command, self.shared_names)
        bits = self.clock.random_bits(ID_BITS)
        now = self.clock.now()
        key = first_key(command, created_by=caller.name, now=now, random_bits=bits, days_max=self.days_max)
        secret = secret_text(self.clock.random_bits(SECRET_BITS))
        self.storage.keys.create(StoredApiKey(key=key, digest=digest_of(secret)))
        return IssuedApiKey(key=key, token=token_of(key.id, secret))

    def rotate(self, command: RotateApiKey, *, caller: Caller) -> IssuedApiKey:
        """Make a further API key of a name, with the scopes and the customer of the one before.

        The former keys work until the overlap ends, so that their holders can change over; revoked ones stay revoked.
        Raise `key_not_found`, `validation_error`, `storage_unavailable` or `outcome_unknown`.
        """
        _require_admin(caller)
        latest = self._latest(command.name)  # What is read of it below never changes.
        now = self.clock.now()
        bits = self.clock.random_bits(ID_BITS)
        key = next_key(latest, command, created_by=caller.name, now=now, random_bits=bits, days_max=self.days_max)
        secret = secret_text(self.clock.random_bits(SECRET_BITS))
        stored = StoredApiKey(key=key, digest=digest_of(secret))
        written = self.storage.keys.rotate(stored, former_end_at=now + timedelta(seconds=command.overlap_seconds))
        self.changed(command.name)
        return IssuedApiKey(key=written, token=token_of(key.id, secret))

    def revoke(self, name: str, *, caller: Caller) -> Sequence[ApiKey]:
        """End every API key of a name at once; return them as they then are, newest first, at most 500.

        Every process refuses them within five seconds. A key that was revoked before stays as it was. Raise
        `key_not_found`, `storage_unavailable` or `outcome_unknown`.
        """
        _require_admin(caller)
        _check_known_name(name)
        self.storage.keys.revoke(name, by=caller.name, now=self.clock.now())
        self.changed(name)
        return self.storage.keys.of_name(name, limit=PAGE_ITEMS_MAX)

    def get(self, name: str, *, caller: Caller) -> Sequence[ApiKey]:
        """Return the API keys of a name, newest first, at most 500. Raise `key_not_found`."""
        _require_admin(caller)
        _check_known_name(name)
        keys = self.storage.keys.of_name(name, limit=PAGE_ITEMS_MAX)
        if not keys:
            raise key_not_found(name)
        return keys

    def list(self, *, caller: Caller, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT) -> Page[ApiKey]:
        """Return a page of up to 500 API keys by name, the oldest of a name first.

        Raise `validation_error` for a bad cursor or limit.
        """
        _require_admin(caller)
        check_limit(limit)
        after = None if cursor is None else _read_cursor(cursor)
        rows = self.storage.keys.find(after=after, limit=limit + 1)
        return page_of(rows, limit, lambda key: encode_cursor(_CURSOR, f"{key.number}:{key.name}"))

    def any(self) -> bool:
        """Return whether any API key was ever made."""
        return bool(self.storage.keys.find(after=None, limit=1))

    def _latest(self, name: str) -> ApiKey:
        keys = self.storage.keys.of_name(name, limit=1)
        if not keys:
            raise key_not_found(name)
        return keys[0]


def _require_admin(caller: Caller) -> None:
    caller.require(Scope.ADMIN)
    caller.require_unbound()


def _check_known_name(name: str) -> None:
    """Raise `key_not_found` for a text that cannot be the name of a key, without asking the database."""
    findings = Findings()
    check_key_name(findings, name)
    if findings.errors:
        raise key_not_found(str(name))


def _read_cursor(cursor: str) -> tuple[str, int]:
    number, _, name = decode_cursor(_CURSOR, cursor).partition(":")
    findings = Findings()
    check_key_name(findings, name)
    if findings.errors:
        raise bad_cursor()
    return name, read_row_number(number, highest=_NUMBER_MAX)


def _check_shared_name(command: CreateApiKey, shared_names: Collection[str]) -> None:
    """Raise `validation_error` for a key bound to a customer whose name also acts for all customers without a key.

    Idempotency keys belong to the name, so the customer could use up those of everybody's orders.
    """
    if command.customer_id is not None and command.name in shared_names:
        detail = "must not be given: settings let this name act without API keys, for all customers"
        raise one_finding("/customer_id", "not_for_customer", detail)
