"""Compares the system's orders, ledger and levels with the files' figures, to the unit and to the penny."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from oms_core import Caller, MovementKind, Oms, Order, OrderStatus, Page
from oms_core.domain.stock.products import NewMovement
from tests.system.online_retail.sheet import Sheet

T = TypeVar("T")
Deltas = tuple[int, int]  # on_hand, reserved

_PAGE_ITEMS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """All that the system has: its orders, its levels by SKU, its ledger."""

    orders: list[Order]
    levels: dict[str, Deltas]
    ledger: list[NewMovement]

    def cancelled(self) -> dict[str, str]:
        """Find which cancellation (it is the reason of the release) cancelled which invoice."""
        invoices = {order.id: str(order.reference) for order in self.orders}
        released = (row for row in self.ledger if row.kind is MovementKind.RELEASE)
        return {str(row.reason): invoices[row.order_id] for row in released if row.order_id}


def read_books(oms: Oms, *, caller: Caller) -> Books:
    """Read all of it through the use cases, in pages."""

    def ledger_of(sku: str) -> Iterator[NewMovement]:
        pages = _items(lambda cursor: oms.stock.movements(sku, caller=caller, cursor=cursor, limit=_PAGE_ITEMS))
        return (entry.movement for entry in pages)

    products = list(oms.stock.export(caller=caller))
    return Books(
        orders=read_orders(oms, caller=caller),
        levels={product.sku: (product.on_hand, product.reserved) for product in products},
        ledger=[row for product in products for row in ledger_of(product.sku)],
    )


def read_orders(oms: Oms, *, caller: Caller) -> list[Order]:
    """Read all orders, newest first."""
    return list(_items(lambda cursor: oms.orders.list(caller=caller, cursor=cursor, limit=_PAGE_ITEMS)))


def _items(page_at: Callable[[str | None], Page[T]]) -> Iterator[T]:
    page = page_at(None)
    yield from page.items
    while page.next is not None:
        page = page_at(page.next)
        yield from page.items


def disagreements(sheet: Sheet, books: Books) -> list[str]:
    """Say in a sentence each where the books of one complete replay differ from the files; none if they agree."""
    return [*_in_orders(sheet, books), *_in_ledger(sheet, books), *_in_levels(sheet, books)]


def _in_orders(sheet: Sheet, books: Books) -> Iterator[str]:
    """Every invoice is one order, line by line as it was recorded, and there are no others."""
    placed = Counter(str(order.reference) for order in books.orders)
    yield from (f"invoice {invoice} is {placed[invoice]} orders" for invoice in sheet.sold if placed[invoice] != 1)
    cancelled = set(books.cancelled().values())
    for order in books.orders:
        invoice = str(order.reference)
        recorded = sheet.sold.get(invoice, [])
        if [(line.sku, line.quantity, line.unit_price) for line in order.lines] != recorded:
            yield f"order {invoice} has other lines than its invoice"
        if order.total != sum(units * price for _, units, price in recorded):
            yield f"order {invoice} has another total than its invoice"
        if order.customer_id != sheet.customers.get(invoice):
            yield f"order {invoice} is for {order.customer_id}, its invoice is not"
        if order.status is not (OrderStatus.CANCELLED if invoice in cancelled else OrderStatus.PENDING):
            yield f"order {invoice} is {order.status}"


def _in_ledger(sheet: Sheet, books: Books) -> Iterator[str]:
    """Each cancellation is booked once: as receipts, or as the release of an earlier order that is its equal."""
    booked: dict[str, Counter[tuple[MovementKind, str]]] = defaultdict(Counter)
    for row in books.ledger:
        if row.reference is not None:  # The rows that an order wrote carry its id instead.
            booked[row.reference][row.kind, row.sku] += row.on_hand_delta
    cancelled = books.cancelled()
    for invoice, units in sheet.taken_back.items():
        receipts = {} if invoice in cancelled else {(MovementKind.RECEIVE, sku): units[sku] for sku in units}
        if booked.pop(invoice, {}) != receipts:
            yield f"cancellation {invoice} is booked as something else"
    for invoice, order in cancelled.items():
        if sheet.units_sold(order) != sheet.taken_back.get(invoice) or order > invoice.removeprefix("C"):
            yield f"cancellation {invoice} is not the equal of the earlier order {order}, which it cancelled"
        if sheet.customers.get(order) != sheet.customers.get(invoice) or sheet.customers.get(order) == "walk-in":
            yield f"cancellation {invoice} is not of the customer of order {order}, which it cancelled"
    for invoice, units in sheet.corrected.items():
        if booked.pop(invoice, {}) != {(MovementKind.ADJUST, sku): units[sku] for sku in units}:
            yield f"correction {invoice} is booked as something else"
    if list(booked.values()) != [{(MovementKind.COUNT, sku): units for sku, units in sheet.opening().items()}]:
        yield "the opening count is not what is sold and written off, or something else is booked"


def _in_levels(sheet: Sheet, books: Books) -> Iterator[str]:
    """Opening + what came back + corrections = on_hand; the lines of the open invoices = reserved; ledger likewise."""
    cancelled = books.cancelled()
    on_hand, reserved = sheet.opening(), Counter[str]()
    for invoice, units in sheet.taken_back.items():
        if invoice not in cancelled:
            on_hand.update(units)
    for units in sheet.corrected.values():
        on_hand.update(units)
    for invoice in sheet.sold.keys() - set(cancelled.values()):
        reserved.update(sheet.units_sold(invoice))
    summed: dict[str, Deltas] = {}
    for row in books.ledger:
        before = summed.get(row.sku, (0, 0))
        summed[row.sku] = before[0] + row.on_hand_delta, before[1] + row.reserved_delta
    for sku in sorted(on_hand.keys() | books.levels.keys()):
        figures = on_hand[sku], reserved[sku]
        if books.levels.get(sku) != figures or summed.get(sku, (0, 0)) != figures:
            yield f"{sku}: the files say {figures}, the level {books.levels.get(sku)}, the ledger {summed.get(sku)}"
