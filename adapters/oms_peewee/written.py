"""What a transaction says of itself before it commits, so that it is found if the answer to its COMMIT is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from oms_peewee.session import Session

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Generic[Result]):
    """What a transaction has written, but not committed yet.

    `was_committed` runs in a later transaction and looks for something that only this one can have written. It first
    waits for what this one had locked, as the lost COMMIT may still be under way; or the work itself meets the lock.
    `as_it_is` reads the result anew, for others may have acted since; None: it is told as it was written.
    `is_small`: no new rows, or hardly any, so that it says nothing of whether there is room for an order.
    """

    result: Result
    was_committed: Callable[[Session], bool]
    as_it_is: Callable[[Session], Result] | None = None
    is_small: bool = False

    def now(self, session: Session) -> Result:
        """Return the result of a transaction that was committed."""
        return self.result if self.as_it_is is None else self.as_it_is(session)


def nothing_written(result: Result) -> Written[Result]:
    """Say that there was nothing to write: the result stands, whatever became of the COMMIT."""
    return Written(result=result, was_committed=lambda _: True, is_small=True)


def harmless_again(result: Result) -> Written[Result]:
    """Say that the work may be done again, also after others have acted: it finds what it did, or it writes what holds
    now.
    """
    return Written(result=result, was_committed=lambda _: False, is_small=True)
