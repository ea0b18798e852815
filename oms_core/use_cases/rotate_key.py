"""Make a further API key of a name, and let the former ones end."""

from __future__ import annotations

from datetime import timedelta

from oms_core.domain.api_keys import (
    ID_BITS,
    SECRET_BITS,
    IssuedApiKey,
    RotateApiKey,
    StoredApiKey,
    digest_of,
    next_key,
    secret_text,
    token_of,
)
from oms_core.domain.callers import Caller, Scope
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.get_key import latest_key


def rotate_key(
    command: RotateApiKey, *, caller: Caller, clock: Clock, storage: Storage, days_max: int | None = None
) -> IssuedApiKey:
    """Make a key with the scopes and the customer of the one before; its text is in the answer, and nowhere else ever.

    The former keys work until the overlap ends, so whoever holds one can change over; those that were revoked stay so.
    Raises `key_not_found`, `forbidden`, `validation_error`, `storage_unavailable` or `outcome_unknown`.
    """
    caller.require(Scope.ADMIN)
    caller.require_unbound()
    latest = latest_key(command.name, storage)  # What follows from it never changes.
    now = clock.now()
    bits = clock.random_bits(ID_BITS)
    key = next_key(latest, command, created_by=caller.name, now=now, random_bits=bits, days_max=days_max)
    secret = secret_text(clock.random_bits(SECRET_BITS))
    stored = StoredApiKey(key=key, digest=digest_of(secret))
    written = storage.keys.rotate(stored, former_end_at=now + timedelta(seconds=command.overlap_seconds))
    return IssuedApiKey(key=written, token=token_of(key.id, secret))
