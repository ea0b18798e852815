"""WorkerStorage: which workers run, by when they were last heard of."""

from __future__ import annotations

import peewee

from oms_core.domain.orders.queueing import WorkerState
from oms_peewee.database import Database
from oms_peewee.models import WorkerRow
from oms_peewee.session import Session
from oms_peewee.written import Written, harmless_again

_FORGOTTEN_SECONDS = 86_400.0


class PeeweeWorkers:
    """WorkerStorage on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, state: WorkerState) -> None:
        def write(session: Session) -> Written[None]:
            figures = {"orders_per_second": state.orders_per_second, "settled": state.settled}
            seen = {"started_at": state.started_at, "seen_at": session.time_from_now(0), **figures}
            added = WorkerRow.insert(id=state.id, **seen)
            # The values that were to be inserted: a distributed server takes no now() here.
            again = {name: getattr(peewee.EXCLUDED, name) for name in seen}
            added.on_conflict(conflict_target=[WorkerRow.id], update=again).execute(session)
            WorkerRow.delete().where(WorkerRow.seen_at < session.time_from_now(-_FORGOTTEN_SECONDS)).execute(session)
            return harmless_again(None)

        self._database.write(write, look_up={})

    def leave(self, worker_id: str) -> None:
        def forget(session: Session) -> Written[None]:
            WorkerRow.delete().where(WorkerRow.id == worker_id).execute(session)
            return harmless_again(None)

        self._database.write(forget, look_up={})

    def find(self, *, silent_seconds: float) -> list[WorkerState]:
        def read(session: Session) -> list[WorkerState]:
            heard = WorkerRow.select().where(WorkerRow.seen_at >= session.time_from_now(-silent_seconds))
            return [_state(row) for row in heard.order_by(WorkerRow.id).execute(session)]

        return self._database.read(read)


def _state(row: WorkerRow) -> WorkerState:
    return WorkerState(
        id=row.id,
        started_at=row.started_at,
        seen_at=row.seen_at,
        orders_per_second=row.orders_per_second,
        settled=row.settled,
    )
