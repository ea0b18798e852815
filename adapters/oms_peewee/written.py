"""How a transaction is recognised if the answer to its COMMIT is lost."""

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
    waits for what this one had locked, as the lost COMMIT may still be under way; or else the work waits for it.
    `as_it_is` reads the result anew, since others may have acted; where it is None, the result stands as written.
    `is_small` means hardly any new rows: such a write does not show that there is room for an order.
    """

    result: Result
    was_committed: Callable[[Session], bool]
    as_it_is: Callable[[Session], Result] | None = None
    is_small: bool = False

    def now(self, session: Session) -> Result:
        """Return the result of a transaction that was committed."""
        return self.result if self.as_it_is is None else self.as_it_is(session)


def nothing_written(result: Result) -> Written[Result]:
    """Return a result for which nothing was written: it stands, whatever became of the COMMIT."""
    return Written(result=result, was_committed=lambda _: True, is_small=True)


def harmless_again(result: Result) -> Written[Result]:
    """Return the result of work that may be done again, also after others have acted.

    It then finds what it did, or writes what holds now.
    """
    return Written(result=result, was_committed=lambda _: False, is_small=True)
