"""Finding the item at fault in a batch, so that it costs the others nothing."""

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
    """Attempt a batch, and each half of what fails by the fault of an item; return the results in order.

    `blame` gives the result of an item that fails alone. Raise what is no item's fault (`is_of_an_item`) at once: what
    was attempted before stays done.
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
        if len(part) > 1:  # Out here, or each half's fault would trail this one.
            middle = len(part) // 2
            left += [part[middle:], part[:middle]]
        else:
            results.append(blame(part[0], fault))
    return results


def is_defect(error: Exception) -> bool:
    """Tell whether an error is a bug, which one item may have met, and no fault of what all of them depend on."""
    return not isinstance(error, OmsError) or error.kind is ErrorKind.BUG
