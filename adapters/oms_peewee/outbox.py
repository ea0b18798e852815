"""OutboxStorage: events that are to be published, and the lease of the one that publishes them."""

from __future__ import annotations

from collections.abc import Sequence

from oms_core.domain.events import Event
from oms_peewee.database import Database
from oms_peewee.leases import Lease
from oms_peewee.models import OutboxRow
from oms_peewee.rows import EVENT_COLUMNS, event_of, rows_of
from oms_peewee.session import Session
from oms_peewee.written import Written, harmless_again

_LEASE = "event-relay"
# Ids begin at 1; the bound makes both databases walk along the key.
_UNPUBLISHED = f"""SELECT {EVENT_COLUMNS} FROM outbox JOIN events ON events.id = outbox.event_id
WHERE outbox.event_id > 0 ORDER BY outbox.event_id LIMIT ?"""  # noqa: S608  Only a constant is put in.


class PeeweeOutbox:
    """OutboxStorage on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lease = Lease(database, _LEASE)

    def lease(self, holder: str, *, seconds: float) -> bool:
        return self._lease.take(holder, seconds=seconds)

    def release(self, holder: str) -> None:
        self._lease.release(holder)

    def unpublished(self, *, limit: int) -> list[Event]:
        def read(session: Session) -> list[Event]:
            return [event_of(row) for row in rows_of(session, _UNPUBLISHED, [limit])]

        return self._database.read(read)

    def published(self, event_ids: Sequence[int]) -> None:
        def forget(session: Session) -> Written[None]:
            OutboxRow.delete().where(OutboxRow.event_id.in_(list(event_ids))).execute(session)
            return harmless_again(None)

        if event_ids:
            self._database.write(forget, look_up={})
