"""OutboxStorage: events that are to be published, and the lease of the one that publishes them."""

from __future__ import annotations

from collections.abc import Sequence

from oms_core.domain.events import Event
from oms_peewee.database import Database
from oms_peewee.models import EventRow, LeaseRow, OutboxRow
from oms_peewee.rows import event_of
from oms_peewee.session import Session
from oms_peewee.written import Written, harmless_again

_LEASE = "event-relay"


class PeeweeOutbox:
    """OutboxStorage on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lease(self, holder: str, *, seconds: float) -> bool:
        def take(session: Session) -> Written[bool]:
            first = LeaseRow.insert(name=_LEASE, holder=holder, expires_at=session.time_from_now(0))
            first.on_conflict_ignore().execute(session)
            mine = LeaseRow.update(holder=holder, expires_at=session.time_from_now(seconds)).where(
                LeaseRow.name == _LEASE,
                (LeaseRow.holder == holder) | (LeaseRow.expires_at <= session.time_from_now(0)),
            )
            # A lease that ran out meanwhile is not ours any more, whoever has it by now.
            return harmless_again(bool(mine.execute(session)))

        return self._database.write(take, look_up={})

    def release(self, holder: str) -> None:
        def give_back(session: Session) -> Written[None]:
            LeaseRow.delete().where(LeaseRow.name == _LEASE, LeaseRow.holder == holder).execute(session)
            return harmless_again(None)

        self._database.write(give_back, look_up={})

    def unpublished(self, *, limit: int) -> list[Event]:
        def read(session: Session) -> list[Event]:
            # Ids begin at 1; the bound makes both databases walk along the key.
            oldest = EventRow.select().join(OutboxRow, on=(OutboxRow.event_id == EventRow.id))
            page = oldest.where(OutboxRow.event_id > 0).order_by(OutboxRow.event_id).limit(limit)
            return [event_of(row) for row in page.namedtuples().execute(session)]

        return self._database.read(read)

    def published(self, event_ids: Sequence[int]) -> None:
        def forget(session: Session) -> Written[None]:
            OutboxRow.delete().where(OutboxRow.event_id.in_(list(event_ids))).execute(session)
            return harmless_again(None)

        if event_ids:
            self._database.write(forget, look_up={})
