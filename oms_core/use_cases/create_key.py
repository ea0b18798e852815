"""Make the first API key of a name."""

from __future__ import annotations

from oms_core.domain.api_keys import (
    ID_BITS,
    SECRET_BITS,
    CreateApiKey,
    IssuedApiKey,
    StoredApiKey,
    digest_of,
    first_key,
    secret_text,
    token_of,
)
from oms_core.domain.callers import Caller, Scope
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage


def create_key(
    command: CreateApiKey, *, caller: Caller, clock: Clock, storage: Storage, days_max: int | None = None
) -> IssuedApiKey:
    """Make a key that lives at most `days_max`; its text is in the answer, and nowhere else ever.

    Raises `key_name_taken`, `forbidden`, `validation_error`, `storage_unavailable`, or `outcome_unknown`: the name is
    then looked up, and its key, whose text is lost, rotated.
    """
    caller.require(Scope.ADMIN)
    caller.require_unbound()
    random_bits = clock.random_bits(ID_BITS)
    key = first_key(command, created_by=caller.name, now=clock.now(), random_bits=random_bits, days_max=days_max)
    secret = secret_text(clock.random_bits(SECRET_BITS))
    storage.keys.create(StoredApiKey(key=key, digest=digest_of(secret)))
    return IssuedApiKey(key=key, token=token_of(key.id, secret))
