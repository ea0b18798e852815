"""ApiKeyStorage: API keys. Whoever adds a key to a name, or revokes it, locks the row of the name's first key."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import peewee
from peewee import fn

from oms_core.domain.api_keys import ApiKey, StoredApiKey, key_name_taken, key_not_found
from oms_core.errors import OmsError
from oms_peewee.database import Database
from oms_peewee.models import ApiKeyRow
from oms_peewee.session import Session
from oms_peewee.written import Written, harmless_again, nothing_written


class PeeweeApiKeys:
    """ApiKeyStorage on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, stored: StoredApiKey) -> None:
        def write(session: Session) -> Written[None]:
            added = _insert(stored, stored.key.number).on_conflict_ignore().as_rowcount().execute(session)
            # The id is nobody else's: where it is there, an earlier try has written it.
            if not added and not _is_written(session, stored.key.id):
                raise key_name_taken(stored.key.name)
            return harmless_again(None)

        self._database.write(write, look_up={"name": stored.key.name})

    def rotate(self, stored: StoredApiKey, *, former_end_at: datetime) -> ApiKey:
        name, key_id = stored.key.name, stored.key.id

        def write(session: Session) -> Written[ApiKey]:
            _lock_name(session, name)
            ApiKeyRow.update(expires_at=former_end_at).where(
                ApiKeyRow.name == name,
                ApiKeyRow.revoked_at.is_null(),
                ApiKeyRow.expires_at.is_null() | (ApiKeyRow.expires_at > former_end_at),
            ).execute(session)
            last = ApiKeyRow.select(fn.MAX(ApiKeyRow.number)).where(ApiKeyRow.name == name).scalar(session)
            added = _insert(stored, int(last) + 1).on_conflict_ignore().as_rowcount().execute(session)
            if not added:  # The number is ours by the lock, so it is the id; trying again would not help.
                raise OmsError("internal_error", f"the id {key_id} is taken")
            return Written(
                result=_key(_one(session, key_id)),
                was_committed=was_committed,
                as_it_is=lambda later: _key(_one(later, key_id)),
            )

        def was_committed(later: Session) -> bool:
            _lock_name(later, name)
            return _is_written(later, key_id)

        return self._database.write(write, look_up={"name": name})

    def revoke(self, name: str, *, by: str, now: datetime) -> None:
        def write(session: Session) -> Written[None]:
            _lock_name(session, name)
            ended = ApiKeyRow.update(revoked_at=now, revoked_by=by).where(
                ApiKeyRow.name == name, ApiKeyRow.revoked_at.is_null()
            )
            if not ended.execute(session):
                return nothing_written(None)
            return Written(result=None, was_committed=was_committed)

        def was_committed(later: Session) -> bool:
            """Find what was revoked so; done again, it would end keys that were made since."""
            _lock_name(later, name)
            revoked = ApiKeyRow.select(ApiKeyRow.id).where(
                ApiKeyRow.name == name, ApiKeyRow.revoked_at == now, ApiKeyRow.revoked_by == by
            )
            return revoked.first(later) is not None

        self._database.write(write, look_up={"name": name})

    def get(self, key_id: UUID) -> StoredApiKey:
        def read(session: Session) -> StoredApiKey:
            row = _one(session, key_id)
            return StoredApiKey(key=_key(row), digest=row.digest)

        return self._database.read(read)

    def of_name(self, name: str, *, limit: int) -> list[ApiKey]:
        keys = ApiKeyRow.select().where(ApiKeyRow.name == name).order_by(ApiKeyRow.number.desc()).limit(limit)
        return self._database.read(lambda session: [_key(row) for row in keys.execute(session)])

    def find(self, *, after: tuple[str, int] | None, limit: int) -> list[ApiKey]:
        bound = peewee.Tuple(ApiKeyRow.name, ApiKeyRow.number) > peewee.Tuple(*(after or ("", 0)))
        page = ApiKeyRow.select().where(bound).order_by(ApiKeyRow.name, ApiKeyRow.number).limit(limit)
        return self._database.read(lambda session: [_key(row) for row in page.execute(session)])

    def used(self, key_id: UUID, *, now: datetime, not_since: datetime) -> None:
        def write(session: Session) -> Written[None]:
            ApiKeyRow.update(last_used_at=now).where(
                ApiKeyRow.id == key_id, ApiKeyRow.last_used_at.is_null() | (ApiKeyRow.last_used_at <= not_since)
            ).execute(session)
            return harmless_again(None)

        self._database.write(write, look_up={})


def _insert(stored: StoredApiKey, number: int) -> peewee.Insert:
    key = stored.key
    return ApiKeyRow.insert(
        id=key.id,
        name=key.name,
        number=number,
        digest=stored.digest,
        scopes=key.scopes,
        customer_id=key.customer_id,
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        revoked_by=key.revoked_by,
        last_used_at=key.last_used_at,
    )


def _lock_name(session: Session, name: str) -> None:
    first = ApiKeyRow.select().where(ApiKeyRow.name == name, ApiKeyRow.number == 1)
    if session.locking(first).first(session) is None:
        raise key_not_found(name)


def _is_written(session: Session, key_id: UUID) -> bool:
    return ApiKeyRow.select(ApiKeyRow.id).where(ApiKeyRow.id == key_id).first(session) is not None


def _one(session: Session, key_id: UUID) -> ApiKeyRow:
    row: ApiKeyRow | None = ApiKeyRow.select().where(ApiKeyRow.id == key_id).first(session)
    if row is None:
        raise key_not_found(str(key_id))
    return row


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        number=row.number,
        scopes=row.scopes,
        customer_id=row.customer_id,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        last_used_at=row.last_used_at,
    )
