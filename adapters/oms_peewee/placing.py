"""Placing or queueing orders: read, decide, write what was accepted, and do it over when something came between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar
from uuid import UUID

from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import (
    Enqueue,
    EnteredAs,
    Placed,
    Placement,
    PlacementOutcome,
    Refuse,
    Refused,
    Repeat,
    Replay,
    Reserve,
    Verdict,
)
from oms_core.errors import OmsError
from oms_peewee.database import Attempt, Database
from oms_peewee.faults import Fault, UncoveredError
from oms_peewee.order_queries import orders_of
from oms_peewee.session import AnySession, Session_contra

View = TypeVar("View")

Accepted: TypeAlias = tuple[Placement, Reserve | Enqueue]
Decide: TypeAlias = Callable[[Sequence[Placement], View], list[Verdict]]
AsWritten: TypeAlias = Callable[[Placement], Order]


class PlacingTables(Protocol[Session_contra, View]):
    """What placing, or queueing, reads and writes."""

    @property
    def entered_as(self) -> EnteredAs:
        """How the orders that this writes come in."""
        ...

    @property
    def reads_before_locking(self) -> bool:
        """Whether reading without locks first is worth it: a refusal then costs none."""
        ...

    def read(self, session: Session_contra, placements: Sequence[Placement]) -> View:
        """Read the products ordered, then the keys used, without locks.

        In this order: an order that is missed among the keys has not taken its stock yet either, so that it is found
        when its key is written.
        """
        ...

    def lock(self, session: Session_contra, placements: Sequence[Placement]) -> None:
        """Lock all levels of the products ordered, by (sku, location), unless no stock is taken."""
        ...

    def written(self, session: Session_contra, placements: Sequence[Placement]) -> set[UUID]:
        """Tell which of the placements (there may be none) have been written already."""
        ...

    def write(self, session: Session_contra, accepted: Sequence[Accepted], view: View) -> AsWritten:
        """Write orders, lines, reservations, levels and events; give what shows an order as it was written.

        It is the last of the transaction, which it may commit; `view` is what was decided upon. Raises UncoveredError
        if the stock is not there.
        """
        ...


class Placing(Generic[AnySession, View]):
    """See OrderStorage.place and QueueStorage.accept."""

    def __init__(self, database: Database[AnySession], tables: PlacingTables[AnySession, View]) -> None:
        self._database = database
        self._tables = tables

    def place(self, placements: Sequence[Placement], decide: Decide[View]) -> list[PlacementOutcome]:
        if not placements:
            return []
        try:
            return self._database.write_by_ids(
                lambda attempt: self._place(attempt, placements, decide),
                look_up={"order_ids": [str(placement.id) for placement in placements]},
            )
        except OmsError as error:
            if error.code != "idempotency_key_in_use":
                raise
            return self._place_unkeyed(placements, decide, error)

    def _place_unkeyed(
        self, placements: Sequence[Placement], decide: Decide[View], error: OmsError
    ) -> list[PlacementOutcome]:
        """Refuse what has a key, since one of the keys stays locked; the others need not suffer for it."""
        outcomes = iter(self.place([placement for placement in placements if placement.key is None], decide))
        return [next(outcomes) if placement.key is None else Refused(error=error) for placement in placements]

    def _place(
        self, attempt: Attempt[AnySession], placements: Sequence[Placement], decide: Decide[View]
    ) -> list[PlacementOutcome]:
        session = attempt.session
        if attempt.number == 0 and self._tables.reads_before_locking:
            try:
                return self._place_unlocked(session, placements, decide)
            except self._database.caught as error:
                if self._database.fault_of(error) not in {Fault.TAKEN, Fault.UNCOVERED}:
                    raise
        return self._place_locked(session, placements, decide)

    def _place_unlocked(
        self, session: AnySession, placements: Sequence[Placement], decide: Decide[View]
    ) -> list[PlacementOutcome]:
        view = self._tables.read(session, placements)
        verdicts = decide(placements, view)
        decided = list(zip(placements, verdicts, strict=True))
        if self._tables.written(session, [placement for placement, verdict in decided if isinstance(verdict, Refuse)]):
            raise UncoveredError("refused for want of the stock that an earlier attempt has taken for it")
        as_written: AsWritten = _unwritten
        if accepted := _accepted(placements, verdicts):
            with session.atomic():
                as_written = self._tables.write(session, accepted, view)
            self._database.wrote()
        return self._outcomes(session, placements, verdicts, as_written)

    def _place_locked(
        self, session: AnySession, placements: Sequence[Placement], decide: Decide[View]
    ) -> list[PlacementOutcome]:
        """Decide under locks, all but what an earlier attempt has written: its ids are there."""
        with session.atomic():
            self._tables.lock(session, placements)
            written = self._tables.written(session, placements)
            unwritten = [placement for placement in placements if placement.id not in written]
            view = self._tables.read(session, unwritten)
            verdicts = decide(unwritten, view)
            as_written: AsWritten = _unwritten
            if accepted := _accepted(unwritten, verdicts):
                as_written = self._tables.write(session, accepted, view)
        if accepted:
            self._database.wrote()
        outcomes = iter(self._outcomes(session, unwritten, verdicts, as_written))
        orders = orders_of(session, list(written))
        return [
            self._placed(orders[placement.id], replayed=False) if placement.id in written else next(outcomes)
            for placement in placements
        ]

    def _outcomes(
        self,
        session: AnySession,
        placements: Sequence[Placement],
        verdicts: Sequence[Verdict],
        as_written: AsWritten,
    ) -> list[PlacementOutcome]:
        replayed = orders_of(session, [verdict.order_id for verdict in verdicts if isinstance(verdict, Replay)])
        outcomes: list[PlacementOutcome] = []
        for placement, verdict in zip(placements, verdicts, strict=True):
            match verdict:
                case Reserve() | Enqueue():
                    outcomes.append(self._placed(as_written(placement), replayed=False))
                case Refuse(error):
                    outcomes.append(Refused(error=error))
                case Replay(order_id, entered_as):
                    order = replayed[order_id]
                    is_replay = order_id != placement.id
                    outcomes.append(Placed(order=order, replayed=is_replay, entered_as=entered_as))
                case Repeat(index):
                    outcomes.append(self._placed(as_written(placements[index]), replayed=True))
        return outcomes

    def _placed(self, order: Order, *, replayed: bool) -> Placed:
        return Placed(order=order, replayed=replayed, entered_as=self._tables.entered_as)


def _accepted(placements: Sequence[Placement], verdicts: Sequence[Verdict]) -> list[Accepted]:
    return [
        (placement, verdict)
        for placement, verdict in zip(placements, verdicts, strict=True)
        if isinstance(verdict, Reserve | Enqueue)
    ]


def _unwritten(placement: Placement) -> Order:
    raise AssertionError(f"{placement.id} was not accepted")
