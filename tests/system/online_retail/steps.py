"""What a shop did, as steps: each has the lines of the files that it stands for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from tests.system.online_retail.reading import Line, UnreadLine


class Category(StrEnum):
    """What a line of the files is."""

    ORDER_LINE = "line of an order"
    CANCELLED = "cancelled with its whole order"
    RETURNED = "customer return"
    WRITTEN_OFF = "write-off"
    FOUND = "stock found"
    NO_PRODUCT = "no product"
    NOT_UNDERSTOOD = "not understood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A real invoice: all its lines of goods, as recorded; `charges` are its lines that are no products."""

    invoice: str
    lines: tuple[Line, ...]
    charges: tuple[Line, ...] = ()

    category = Category.ORDER_LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A cancellation that takes back exactly what the invoice `sale` had sold."""

    invoice: str
    lines: tuple[Line, ...]
    sale: str

    category = Category.CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReturn:
    """One line of a cancellation that matches no whole order; `line_no` is its position in the cancellation."""

    invoice: str
    lines: tuple[Line]
    line_no: int

    category = Category.RETURNED


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """Stock that is no longer there."""

    invoice: str
    lines: tuple[Line]
    line_no: int

    category = Category.WRITTEN_OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """Stock that is there although the books did not say so."""

    invoice: str
    lines: tuple[Line]
    line_no: int

    category = Category.FOUND


Step = Sale | Cancellation | CustomerReturn | WriteOff | Find


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do, in the files' order, and the lines that ask for nothing. Every line is in exactly one place."""

    steps: tuple[Step, ...]
    no_products: tuple[Line, ...]
    not_understood: tuple[UnreadLine, ...]
    lines_read: int

    def lines_by_category(self) -> Counter[Category]:
        """Count the lines of each category."""
        counts = Counter(
            {Category.NO_PRODUCT: len(self.no_products), Category.NOT_UNDERSTOOD: len(self.not_understood)}
        )
        for step in self.steps:
            counts[step.category] += len(step.lines)
        return counts
