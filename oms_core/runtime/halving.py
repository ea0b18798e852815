"""Finding the item at fault in a batch, so that its fault costs the others nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from oms_core.errors import ErrorKind, OmsError

Item = TypeVar("Item")
Result = TypeVar("Result")


def halve_to_fault(
    batch: Sequence[Item],
    attempt: Callable[[Sequence[Item]], Result],
    *,
    is_of_an_item: Callable[[Exception], bool],
    blame: Callable[[Item, Exception], Result],
) -> list[Result]:
    """Attempt a batch; where an item is at fault, attempt each half by itself. Return the results in order.

    `is_of_an_item` tells whether an error is the fault of an item; another one is raised at once, and what was done
    before stays done. `blame` returns the result of an item that fails alone.
    """
    results: list[Result] = []
    left = [batch]
    while left:
        part = left.pop()
        try:
            results.append(attempt(part))
            continue
        except Exception as error:
            if not is_of_an_item(error):
                raise
            fault = error
        if len(part) > 1:  # Outside the handler: else this fault would be the context of each half's.
            middle = len(part) // 2
            left += [part[middle:], part[:middle]]
        else:
            results.append(blame(part[0], fault))
    return results


def is_defect(error: Exception) -> bool:
    """Return whether an error is a bug, which one item may have caused, and not a fault of what all items depend on."""
    return not isinstance(error, OmsError) or error.kind is ErrorKind.BUG
