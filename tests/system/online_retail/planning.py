"""Decides what each line of the files is, and so what the shop did: pure, each line in exactly one category."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tests.system.online_retail.reading import Line, UnreadLine
from tests.system.online_retail.steps import Cancellation, CustomerReturn, Find, Plan, Sale, Step, WriteOff

# Goods are numbered (22423, 85123A, 79191BL), those of the sister shop Dotcomgiftshop DCGS0003. What else is sold
# (postage, fees, discounts, manual sums, gift vouchers) stands on no shelf.
_GOODS = re.compile(r"[0-9]{5}|DCGS", re.IGNORECASE)
_CANCELLATION = re.compile(r"C[0-9]+")
_INVOICE = re.compile(r"[0-9]+")


def plan_steps(entries: Sequence[Line | UnreadLine]) -> Plan:
    """Sort every line into its category."""
    unread = [entry for entry in entries if isinstance(entry, UnreadLine)]
    invoices: dict[str, list[Line]] = defaultdict(list)
    for entry in entries:
        if isinstance(entry, Line):
            invoices[entry.invoice].append(entry)
    planner = _Planner(unread)
    for invoice, lines in invoices.items():
        planner.add(invoice, lines)
    plan = Plan(
        steps=tuple(planner.steps),
        no_products=tuple(planner.no_products),
        not_understood=tuple(planner.not_understood),
        lines_read=len(entries),
    )
    assert plan.lines_by_category().total() == len(entries), "a line was dropped or counted twice"
    return plan


class _Planner:
    """Goes through the invoices in the files' order, remembering what was sold and not yet taken back."""

    def __init__(self, unread: Iterable[UnreadLine]) -> None:
        self.steps: list[Step] = []
        self.no_products: list[Line] = []
        self.not_understood = list(unread)
        self._incomplete = {entry.invoice for entry in self.not_understood}
        self._sales: dict[tuple[str, frozenset[tuple[str, int]]], list[str]] = defaultdict(list)

    def add(self, invoice: str, lines: Sequence[Line]) -> None:
        incomplete = "another line of the invoice cannot be read" if invoice in self._incomplete else None
        fault = incomplete or _fault(invoice, lines)
        if fault:
            self.not_understood += [UnreadLine(place=line.place, invoice=invoice, reason=fault) for line in lines]
            return
        goods = tuple(line for line in lines if _GOODS.match(line.code))
        charges = tuple(line for line in lines if not _GOODS.match(line.code))
        self.no_products += charges
        if not goods:
            return
        if invoice.startswith("C"):
            self._take_back(invoice, goods)
        elif _is_correction(lines):
            self._correct(invoice, goods)
        else:
            self.steps.append(Sale(invoice=invoice, lines=goods, charges=charges))
            self._sales[_content(goods)].append(invoice)

    def _take_back(self, invoice: str, goods: tuple[Line, ...]) -> None:
        """The latest matching sale is the one meant; without a customer nobody knows whose order it was."""
        matching = self._sales[_content(goods)] if goods[0].customer_id else []
        if matching:
            self.steps.append(Cancellation(invoice=invoice, lines=goods, sale=matching.pop()))
            return
        self.steps += [
            CustomerReturn(invoice=invoice, lines=(line,), line_no=line_no)
            for line_no, line in enumerate(goods, start=1)
        ]

    def _correct(self, invoice: str, goods: tuple[Line, ...]) -> None:
        for line_no, line in enumerate(goods, start=1):
            correction = WriteOff if line.quantity < 0 else Find
            self.steps.append(correction(invoice=invoice, lines=(line,), line_no=line_no))


def _is_correction(lines: Sequence[Line]) -> bool:
    """Nobody pays and nobody is named: the shop corrects its own books.

    A line at price 0 beside priced ones is sold: a gift, or an invoice whose sum stands on one manual line.
    """
    return all(line.unit_price == 0 and line.customer_id is None for line in lines)


def _fault(invoice: str, lines: Sequence[Line]) -> str | None:
    if len({line.customer_id for line in lines}) > 1:
        return "the lines of the invoice name different customers"
    signs = {line.quantity > 0 for line in lines}
    if _CANCELLATION.fullmatch(invoice):
        return "a cancellation with a positive quantity" if True in signs else None
    if not _INVOICE.fullmatch(invoice):
        return "neither an invoice's number nor a cancellation's"
    if False in signs and not _is_correction(lines):
        return "a negative quantity that is neither cancelled nor written off"
    return None


def _content(goods: Sequence[Line]) -> tuple[str, frozenset[tuple[str, int]]]:
    """What makes a sale and its cancellation the same: the customer, and the units of each SKU."""
    units: Counter[str] = Counter()
    for line in goods:
        units[line.sku] += abs(line.quantity)
    return goods[0].customer_id or "", frozenset(units.items())
