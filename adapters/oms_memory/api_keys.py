"""API keys in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from oms_core.domain.api_keys import ApiKey, StoredApiKey, key_name_taken, key_not_found
from oms_core.errors import OmsError
from oms_memory.tables import Tables


class MemoryApiKeys:
    """ApiKeyStorage over a dictionary."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def create(self, stored: StoredApiKey) -> None:
        with self._tables.lock:
            if self._named(stored.key.name):
                raise key_name_taken(stored.key.name)
            self._tables.add_key(stored)

    def rotate(self, stored: StoredApiKey, *, former_end_at: datetime) -> ApiKey:
        with self._tables.lock:
            former = self._existing(stored.key.name)
            if stored.key.id in self._tables.api_keys:
                raise OmsError("internal_error", f"the id {stored.key.id} is taken")
            key = replace(stored.key, number=former[-1].number + 1)
            for other in former:
                if other.revoked_at is None and (other.expires_at is None or other.expires_at > former_end_at):
                    self._change(other, expires_at=former_end_at)
            self._tables.add_key(replace(stored, key=key))
            return key

    def revoke(self, name: str, *, by: str, now: datetime) -> None:
        with self._tables.lock:
            for key in self._existing(name):
                if key.revoked_at is None:
                    self._change(key, revoked_at=now, revoked_by=by)

    def get(self, key_id: UUID) -> StoredApiKey:
        with self._tables.lock:
            if key_id not in self._tables.api_keys:
                raise key_not_found(str(key_id))
            return self._tables.api_keys[key_id]

    def of_name(self, name: str, *, limit: int) -> list[ApiKey]:
        with self._tables.lock:
            return self._named(name)[::-1][:limit]

    def find(self, *, after: tuple[str, int] | None, limit: int) -> list[ApiKey]:
        with self._tables.lock:
            keys = sorted((stored.key for stored in self._tables.api_keys.values()), key=_place)
        return [key for key in keys if after is None or _place(key) > after][:limit]

    def used(self, key_id: UUID, *, now: datetime, not_since: datetime) -> None:
        with self._tables.lock:
            stored = self._tables.api_keys.get(key_id)
            if stored is not None and (stored.key.last_used_at is None or stored.key.last_used_at <= not_since):
                self._change(stored.key, last_used_at=now)

    def _named(self, name: str) -> list[ApiKey]:
        keys = (stored.key for stored in self._tables.api_keys.values())
        return sorted((key for key in keys if key.name == name), key=_place)

    def _existing(self, name: str) -> list[ApiKey]:
        keys = self._named(name)
        if not keys:
            raise key_not_found(name)
        return keys

    def _change(self, key: ApiKey, **changed: Any) -> None:
        stored = self._tables.api_keys[key.id]
        self._tables.api_keys[key.id] = replace(stored, key=replace(stored.key, **changed))


def _place(key: ApiKey) -> tuple[str, int]:
    return key.name, key.number
