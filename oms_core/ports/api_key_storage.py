"""Storage of API keys: their digests, and when they were used, replaced or revoked.

What `oms_core.ports.storage` says of every method of a storage is true of these too. Rows are never deleted, so a name
that was used once is never free again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from oms_core.domain.api_keys import ApiKey, StoredApiKey


class ApiKeyStorage(Protocol):
    """API keys, by name and number. Adding a key to a name locks the name, and so does revoking it."""

    def create(self, stored: StoredApiKey) -> None:
        """Write the first key of a name. Raise `key_name_taken` when the name has one.

        Of several concurrent calls for a name, one succeeds. After a lost COMMIT the key's id shows whether it was
        written.
        """
        ...

    def rotate(self, stored: StoredApiKey, *, former_end_at: datetime) -> ApiKey:
        """Write a further key of a name, and end the former ones; return the key as it was written.

        In one transaction: the key gets the number after the name's last one, whatever number it came with; every other
        key of the name that is not revoked and would end later, or never, ends at `former_end_at`. Raise
        `key_not_found` when the name has none. After a lost COMMIT the key's id shows whether it was written.
        """
        ...

    def revoke(self, name: str, *, by: str, now: datetime) -> None:
        """Revoke every key of a name that is not revoked; a second call changes nothing. Raise `key_not_found`.

        When the call is repeated after a lost COMMIT, a key that was made since is not revoked.
        """
        ...

    def get(self, key_id: UUID) -> StoredApiKey:
        """Return one key with its digest. Raise `key_not_found`."""
        ...

    def of_name(self, name: str, *, limit: int) -> list[ApiKey]:
        """List the keys of a name by number descending (newest first); an empty list where there are none."""
        ...

    def find(self, *, after: tuple[str, int] | None, limit: int) -> list[ApiKey]:
        """List keys by (name, number) ascending, names in code point order, above `after`."""
        ...

    def used(self, key_id: UUID, *, now: datetime, not_since: datetime) -> None:
        """Note that a key was used, unless a use was noted after `not_since`. An id that no key has is ignored."""
        ...
