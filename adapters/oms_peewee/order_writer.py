"""Writing new orders, placed or queued: read, decide, write, and do it over when something came between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias

from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import (
    Enqueue,
    Placed,
    Placement,
    PlacementOutcome,
    Refuse,
    Refused,
    Repeat,
    Replay,
    Reserve,
    Verdict,
    order_archived,
)
from oms_core.errors import OmsError
from oms_peewee.database import Attempt, Database
from oms_peewee.dialect import AsWritten, NewOrder, NewOrderTables, View
from oms_peewee.faults import Fault, UncoveredError
from oms_peewee.order_queries import orders_of
from oms_peewee.session import Session

Decide: TypeAlias = Callable[[Sequence[Placement], View], list[Verdict]]


class OrderWriter(Generic[View]):
    """Writes new orders as OrderStorage.place or QueueStorage.accept promises; its tables decide which."""

    def __init__(self, database: Database, tables: NewOrderTables[View]) -> None:
        self._database = database
        self._tables = tables

    def write(self, placements: Sequence[Placement], decide: Decide[View]) -> list[PlacementOutcome]:
        """Write the orders that `decide` accepts; one outcome per placement, in order."""
        if not placements:
            return []
        try:
            return self._database.write_by_ids(
                lambda attempt: self._write(attempt, placements, decide),
                look_up={"order_ids": [str(placement.id) for placement in placements]},
            )
        except OmsError as error:
            if error.code != "idempotency_key_in_use":
                raise
            return self._write_unkeyed(placements, decide, error)

    def _write_unkeyed(
        self, placements: Sequence[Placement], decide: Decide[View], error: OmsError
    ) -> list[PlacementOutcome]:
        """Refuse the orders that have a key, since one of the keys stays locked, and write the others."""
        outcomes = iter(self.write([placement for placement in placements if placement.key is None], decide))
        return [next(outcomes) if placement.key is None else Refused(error=error) for placement in placements]

    def _write(self, attempt: Attempt, placements: Sequence[Placement], decide: Decide[View]) -> list[PlacementOutcome]:
        session = attempt.session
        if attempt.number == 0 and self._tables.reads_before_locking:
            try:
                return self._write_unlocked(session, placements, decide)
            except self._database.caught as error:
                if self._database.fault_of(error) not in {Fault.TAKEN, Fault.UNCOVERED}:
                    raise
        return self._write_locked(session, placements, decide)

    def _write_unlocked(
        self, session: Session, placements: Sequence[Placement], decide: Decide[View]
    ) -> list[PlacementOutcome]:
        view, verdicts = self._decided(session, placements, decide)
        decided = list(zip(placements, verdicts, strict=True))
        refused = [placement for placement, verdict in decided if isinstance(verdict, Refuse)]
        if refused and self._tables.written(session, refused):
            raise UncoveredError("refused for want of the stock that an earlier attempt has taken for it")
        as_written: AsWritten = _unwritten
        if new_orders := _new_orders(placements, verdicts):
            with session.atomic():
                as_written = self._tables.write(session, new_orders, view)
            self._database.wrote()
        return self._outcomes(session, placements, verdicts, as_written)

    def _decided(
        self, session: Session, placements: Sequence[Placement], decide: Decide[View]
    ) -> tuple[View, list[Verdict]]:
        """Decide on what is remembered or, if that does not do, on what is read without locks."""
        if (remembered := self._tables.recall(session, placements)) is not None:
            verdicts = decide(placements, remembered)
            if not any(isinstance(verdict, Refuse) for verdict in verdicts):
                return remembered, verdicts
        view = self._tables.read(session, placements)
        return view, decide(placements, view)

    def _write_locked(
        self, session: Session, placements: Sequence[Placement], decide: Decide[View]
    ) -> list[PlacementOutcome]:
        """Decide under locks on all orders but those that an earlier attempt has written, whose ids are there."""
        with session.atomic():
            self._tables.lock(session, placements)
            written = self._tables.written(session, placements)
            unwritten = [placement for placement in placements if placement.id not in written]
            view = self._tables.read(session, unwritten)
            verdicts = decide(unwritten, view)
            as_written: AsWritten = _unwritten
            if new_orders := _new_orders(unwritten, verdicts):
                as_written = self._tables.write(session, new_orders, view)
        if new_orders:
            self._database.wrote()
        outcomes = iter(self._outcomes(session, unwritten, verdicts, as_written))
        orders = orders_of(session, list(written)) if written else {}
        return [
            self._placed(orders[placement.id], replayed=False) if placement.id in written else next(outcomes)
            for placement in placements
        ]

    def _outcomes(
        self,
        session: Session,
        placements: Sequence[Placement],
        verdicts: Sequence[Verdict],
        as_written: AsWritten,
    ) -> list[PlacementOutcome]:
        replays = [verdict.order_id for verdict in verdicts if isinstance(verdict, Replay)]
        replayed = orders_of(session, replays) if replays else {}
        outcomes: list[PlacementOutcome] = []
        for placement, verdict in zip(placements, verdicts, strict=True):
            match verdict:
                case Reserve() | Enqueue():
                    outcomes.append(self._placed(as_written(placement), replayed=False))
                case Refuse(error):
                    outcomes.append(Refused(error=error))
                case Replay(order_id, entered_as):
                    order = replayed.get(order_id)
                    is_replay = order_id != placement.id
                    outcomes.append(
                        Refused(error=order_archived(order_id))
                        if order is None
                        else Placed(order=order, replayed=is_replay, entered_as=entered_as)
                    )
                case Repeat(index):
                    outcomes.append(self._placed(as_written(placements[index]), replayed=True))
        return outcomes

    def _placed(self, order: Order, *, replayed: bool) -> Placed:
        return Placed(order=order, replayed=replayed, entered_as=self._tables.entered_as)


def _new_orders(placements: Sequence[Placement], verdicts: Sequence[Verdict]) -> list[NewOrder]:
    """Return what is to be written: orders that are held after the others."""
    found = [
        (placement, verdict)
        for placement, verdict in zip(placements, verdicts, strict=True)
        if isinstance(verdict, Reserve | Enqueue)
    ]
    if any(isinstance(verdict, Reserve) and placement.hold_seconds is not None for placement, verdict in found):
        found.sort(key=lambda entry: entry[0].hold_seconds is not None)
    return found


def _unwritten(placement: Placement) -> Order:
    raise AssertionError(f"{placement.id} was not accepted")
