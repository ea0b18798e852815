"""Look at the API keys of a name."""

from __future__ import annotations

from oms_core.domain.api_keys import ApiKey, check_key_name, key_not_found
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_MAX
from oms_core.domain.validation import Findings
from oms_core.ports.storage import Storage


def get_key(name: str, *, caller: Caller, storage: Storage) -> list[ApiKey]:
    """Return the keys of a name, newest first, at most 500. Raises `key_not_found`, `forbidden`."""
    caller.require(Scope.ADMIN)
    caller.require_unbound()
    check_known_name(name)
    keys = storage.keys.of_name(name, limit=PAGE_ITEMS_MAX)
    if not keys:
        raise key_not_found(name)
    return keys


def latest_key(name: str, storage: Storage) -> ApiKey:
    """Return the key of a name that was made last. Raises `key_not_found`."""
    keys = storage.keys.of_name(name, limit=1)
    if not keys:
        raise key_not_found(name)
    return keys[0]


def check_known_name(name: str) -> None:
    """Raise `key_not_found` for text that no key can have as its name, without asking the database."""
    findings = Findings()
    check_key_name(findings, name)
    if findings.errors:
        raise key_not_found(str(name))
