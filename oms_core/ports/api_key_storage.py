"""Storage of API keys: their digests, and what became of them.

What `oms_core.ports.storage` says of every method of a storage holds for these too. Rows are never deleted, so a name
that was ever used is never free again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from oms_core.domain.api_keys import ApiKey, StoredApiKey


class ApiKeyStorage(Protocol):
    """API keys, by name and number. Whoever adds a key to a name, or revokes it, has that name alone meanwhile."""

    def create(self, stored: StoredApiKey) -> None:
        """Write the first key of a name. Raises `key_name_taken` when the name has one.

        Of several creators at once, one succeeds. After a lost COMMIT its own id tells that it had happened.
        """
        ...

    def rotate(self, stored: StoredApiKey, *, former_end_at: datetime) -> ApiKey:
        """Write a further key of a name, and let the former ones end; return the key as it was written.

        In one transaction: the key gets the number after the name's last one, whatever its own says; every other key of
        the name that is not revoked and would end later, or never, ends at `former_end_at`. Raises `key_not_found`
        when the name has none. After a lost COMMIT its own id tells that it had happened.
        """
        ...

    def revoke(self, name: str, *, by: str, now: datetime) -> None:
        """Revoke every key of a name that is not revoked; again, it changes nothing. Raises `key_not_found`.

        After a lost COMMIT a key that was made since is not revoked: it came later.
        """
        ...

    def get(self, key_id: UUID) -> StoredApiKey:
        """Return one key with its digest. Raises `key_not_found`."""
        ...

    def of_name(self, name: str, *, limit: int) -> list[ApiKey]:
        """List the keys of a name by number descending (newest first); an empty list where there are none."""
        ...

    def find(self, *, after: tuple[str, int] | None, limit: int) -> list[ApiKey]:
        """List keys by (name, number) ascending, names in code point order, above `after`."""
        ...

    def used(self, key_id: UUID, *, now: datetime, not_since: datetime) -> None:
        """Note that a key was used, unless that was noted after `not_since`. An id that no key has is ignored."""
        ...
