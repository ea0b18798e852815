"""End every API key of a name at once."""

from __future__ import annotations

from oms_core.domain.api_keys import ApiKey
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_MAX
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.get_key import check_known_name


def revoke_key(name: str, *, caller: Caller, clock: Clock, storage: Storage) -> list[ApiKey]:
    """Revoke the keys of a name, and give them as they then are, newest first, at most 500.

    Every process refuses them within five seconds. What was revoked before stays as it was. Raises `key_not_found`,
    `forbidden`, `storage_unavailable` or `outcome_unknown`.
    """
    caller.require(Scope.ADMIN)
    caller.require_unbound()
    check_known_name(name)
    storage.keys.revoke(name, by=caller.name, now=clock.now())
    return storage.keys.of_name(name, limit=PAGE_ITEMS_MAX)
