"""The one way into a database: a connection for each call, its repetition after a transient fault, its errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from oms_peewee.dialect import Engine
from oms_peewee.faults import (
    LASTING,
    TRANSIENT,
    ChangedMeanwhileError,
    CommitLostError,
    Fault,
    NoRoomError,
    NotFollowingError,
    ReadOnlyError,
    TooLateError,
    UncoveredError,
    UnfitError,
    UnstorableValueError,
    as_oms_error,
    outcome_unknown,
)
from oms_peewee.pool import Circuit, CircuitOpenError, Missing, Pool
from oms_peewee.retry_deadline import RetryDeadline
from oms_peewee.session import Session
from oms_peewee.written import Written

Result = TypeVar("Result")

_OUR_FAULTS: Mapping[type[Exception], Fault] = {
    ChangedMeanwhileError: Fault.CONFLICT,
    CircuitOpenError: Fault.UNAVAILABLE,
    CommitLostError: Fault.DISCONNECTED,
    NoRoomError: Fault.NO_ROOM,
    NotFollowingError: Fault.UNAVAILABLE,
    ReadOnlyError: Fault.UNAVAILABLE,
    TooLateError: Fault.UNAVAILABLE,
    UncoveredError: Fault.UNCOVERED,
    UnfitError: Fault.UNUSABLE,
    UnstorableValueError: Fault.DEFECT,
}

# Longer than load balancers wait between two checks. After that, some work has to show whether it is over.
HOLDS_SECONDS = 30.0

_MISSING: Mapping[Fault, Missing] = {Fault.DISCONNECTED: Missing.FOR_NOW, Fault.READ_ONLY: Missing.FOR_SURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a piece of work. `number` counts from 0. After `commit_was_lost` an earlier try may have committed."""

    session: Session
    number: int
    commit_was_lost: bool


class LastingFault:
    """The last fault that further work would meet as well. It holds for half a minute, or until work is written.

    Thread-safe: what is kept is replaced whole.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._met: tuple[OmsError, float] | None = None

    def met(self, error: OmsError) -> None:
        """Remember what work has met."""
        self._met = error, self._clock()

    def over(self) -> None:
        """Forget it: work has been written."""
        if self._met is not None:
            self._met = None

    def check(self) -> None:
        """Raise it while it may last."""
        met = self._met
        if met is not None and self._clock() < met[1] + HOLDS_SECONDS:
            error = met[0]
            raise OmsError(error.code, error.detail, retry_after_seconds=error.retry_after_seconds)


class Database:
    """Runs pieces of work on a database; each may run several times, until it succeeds or the deadline passes."""

    def __init__(self, engine: Engine, options: StorageOptions) -> None:
        self._engine = engine
        self._deadline_seconds = options.deadline_seconds
        self._pool = Pool(engine.connections_max)
        self._lasting = LastingFault()
        self._circuit = Circuit(engine.connect, self._missing_of)
        self.caught: tuple[type[Exception], ...] = (*engine.driver_errors, *_OUR_FAULTS)

    def read(self, work: Callable[[Session], Result]) -> Result:
        """Run work that only reads. Raise `storage_unavailable`."""

        def attempted(attempt: Attempt) -> Result:
            with attempt.session.snapshot():
                return work(attempt.session)

        return self._run(attempted, lambda _: nullcontext(), {})

    def write(self, work: Callable[[Session], Written[Result]], *, look_up: Mapping[str, object]) -> Result:
        """Run work that writes, in one transaction.

        Where the answer to its COMMIT is lost, the next transaction first asks whether it had happened. Only if not
        does it do the work again. Raise `storage_unavailable`, or `outcome_unknown` with what to `look_up` when it
        could not find out in time.
        """
        lost: list[Written[Result]] = []

        def attempted(attempt: Attempt) -> Result:
            session, written = attempt.session, None
            try:
                with session.atomic():
                    for each in lost:
                        if each.was_committed(session):
                            session.await_standbys()
                            return each.now(session)
                    written = work(session)
            except CommitLostError:
                if written is not None:
                    lost.append(written)
                raise
            if not written.is_small:
                self.wrote()
            return written.result

        return self._run(attempted, self._engine.writer_lock, look_up)

    def write_by_ids(self, work: Callable[[Attempt], Result], *, look_up: Mapping[str, object]) -> Result:
        """Run work that writes in transactions of its own, and finds by their ids what an earlier try has committed.

        This is for work that commits together with its last statements, before it could return a result. It calls
        `wrote` where it has written something. Raise what `write` raises.
        """

        def attempted(attempt: Attempt) -> Result:
            result = work(attempt)
            if attempt.commit_was_lost:
                attempt.session.await_standbys()
            return result

        return self._run(attempted, self._engine.writer_lock, look_up)

    def wrote(self) -> None:
        """Note that work has been written: whatever kept further work from being done is over."""
        self._lasting.over()

    def check_lasting(self) -> None:
        """Raise the last fault that further work would meet as well, unless work was written since.

        Some of what prevents writing cannot be found by reading: a full disk, for one.
        """
        self._lasting.check()

    def fault_of(self, error: Exception) -> Fault:
        """Return what an error of a session means."""
        return _OUR_FAULTS.get(type(error)) or self._engine.fault_of(error)

    def describe(self) -> str:
        """Name the database for a person, and the connections it needs."""
        return f"{self._engine.describe()} (at most {self._engine.connections_max} connections per process)"

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.discard_idle()

    def _run(
        self,
        work: Callable[[Attempt], Result],
        lock: Callable[[RetryDeadline], AbstractContextManager[None]],
        look_up: Mapping[str, object],
    ) -> Result:
        deadline = RetryDeadline(self._deadline_seconds)
        number, commit_was_lost = 0, False
        while True:
            try:
                connect = self._circuit.connect_anyway if commit_was_lost else self._circuit.connect
                with lock(deadline), self._pool.lend(deadline, connect) as session:
                    session.deadline = deadline
                    attempt = Attempt(session=session, number=number, commit_was_lost=commit_was_lost)
                    result = self._once_free(work, attempt, deadline)
            except self.caught as error:
                fault = self.fault_of(error)
                number, commit_was_lost = number + 1, commit_was_lost or isinstance(error, CommitLostError)
                if fault in {Fault.DISCONNECTED, Fault.READ_ONLY, Fault.UNAVAILABLE}:
                    self._pool.discard_idle()
                if fault in TRANSIENT and deadline.pause(fault):
                    continue
                if commit_was_lost:
                    raise outcome_unknown(look_up) from error
                told = self._engine.reason_of(error)
                refusal = as_oms_error(error, fault, database=self._engine.describe(), reason=told)
                if fault in LASTING and isinstance(error, self._engine.driver_errors):
                    self._lasting.met(refusal)
                raise refusal from error
            else:
                self._circuit.reached()
                return result

    def _missing_of(self, error: Exception) -> Missing | None:
        return _MISSING.get(self.fault_of(error)) if isinstance(error, self._engine.driver_errors) else None

    def _once_free(self, work: Callable[[Attempt], Result], attempt: Attempt, deadline: RetryDeadline) -> Result:
        """Try again while another process writes. The writer lock is kept, so that one thread waits for all."""
        while True:
            try:
                return work(attempt)
            except self.caught as error:
                if self.fault_of(error) is not Fault.BUSY or not deadline.pause(Fault.BUSY):
                    raise
