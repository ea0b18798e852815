"""Rights that one process has for a while, by the database's clock."""

from __future__ import annotations

from oms_peewee.database import Database
from oms_peewee.models import LeaseRow
from oms_peewee.session import Session
from oms_peewee.written import Written, harmless_again


class Lease:
    """A right of this name."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    def take(self, holder: str, *, seconds: float) -> bool:
        """Take or prolong it; False while another holder has it."""

        def take(session: Session) -> Written[bool]:
            first = LeaseRow.insert(name=self._name, holder=holder, expires_at=session.time_from_now(0))
            first.on_conflict_ignore().execute(session)
            mine = LeaseRow.update(holder=holder, expires_at=session.time_from_now(seconds)).where(
                LeaseRow.name == self._name,
                (LeaseRow.holder == holder) | (LeaseRow.expires_at <= session.time_from_now(0)),
            )
            # A lease that ran out meanwhile is not ours any more, whoever has it by now.
            return harmless_again(bool(mine.execute(session)))

        return self._database.write(take, look_up={})

    def release(self, holder: str) -> None:
        """Give it up, if this holder has it."""

        def give_back(session: Session) -> Written[None]:
            LeaseRow.delete().where(LeaseRow.name == self._name, LeaseRow.holder == holder).execute(session)
            return harmless_again(None)

        self._database.write(give_back, look_up={})
