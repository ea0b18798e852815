"""The decision on a batch of imported stock: what each entry writes, or why the present state refuses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from oms_core.domain.import_commands import ImportMode
from oms_core.domain.limits import COUNT_MAX, IMPORT_CREATED_SHOWN_MAX
from oms_core.domain.stock.changes import count_too_large, sku_not_found, stock_below_reserved
from oms_core.domain.stock.products import MovementKind, NewMovement, Product, StockLevel

KINDS: Mapping[ImportMode, MovementKind] = {
    ImportMode.SET: MovementKind.COUNT,
    ImportMode.ADJUST: MovementKind.ADJUST,
}


class StockEntry(NamedTuple):
    """One level of an import: a count to set, or the sum of the differences of `rows` rows of the file.

    It is a tuple, since one import makes a million of them. `name` None leaves the product's name as it is.
    """

    sku: str
    location: str
    quantity: int
    name: str | None
    reason: str | None
    reference: str | None
    rows: int


class RefusalCode(StrEnum):
    """Why the present state refuses an entry; the codes are those of the errors of a single change."""

    SKU_NOT_FOUND = "sku_not_found"
    STOCK_BELOW_RESERVED = "stock_below_reserved"
    OUT_OF_RANGE = "out_of_range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An entry that the present state refuses, and why."""

    sku: str
    location: str
    code: RefusalCode
    detail: str


class EntryChange(NamedTuple):
    """What an entry writes: a product to create, its new name (None: as it is), a level to create, one ledger row.

    The ledger row moves `on_hand_delta` units; 0 writes none.
    """

    entry: StockEntry
    creates_product: bool
    creates_level: bool
    name: str | None
    on_hand_delta: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """The result of a batch: how many rows of the file write something, write nothing or are refused, and each refusal.

    `created` counts the new products, of which `created_skus` are the first 20.
    """

    applied: int
    unchanged: int
    refused: int
    refusals: tuple[Refusal, ...]
    created: int = 0
    created_skus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDecision:
    """What a batch writes, in the order of its entries, and its result."""

    changes: tuple[EntryChange, ...]
    result: BatchResult


def decide_import(
    mode: ImportMode, entries: Iterable[StockEntry], products: Mapping[str, Product], *, existing_only: bool = False
) -> BatchDecision:
    """Decide entries against the products as they are (absent: unknown). No two entries are of the same level.

    A set creates what is unknown, unless `existing_only`; an adjustment of an unknown SKU is refused. A refused entry
    writes nothing, not even its name; the other entries are written all the same.
    """
    decide = _decide_set if mode is ImportMode.SET else _decide_adjust
    created: dict[str, None] = {}
    changes: list[EntryChange] = []
    refusals: list[Refusal] = []
    applied = unchanged = refused = 0
    for entry in entries:
        product = products.get(entry.sku)
        level = product.level(entry.location) if product else None
        change = _unknown(entry) if product is None and existing_only else decide(entry, product, level)
        if isinstance(change, Refusal):
            refusals.append(change)
            refused += entry.rows
        elif change.creates_level or change.on_hand_delta or change.name is not None:
            changes.append(change)
            if change.creates_product:
                created[entry.sku] = None
            applied += entry.rows
        else:
            unchanged += entry.rows
    result = BatchResult(
        applied=applied,
        unchanged=unchanged,
        refused=refused,
        refusals=tuple(refusals),
        created=len(created),
        created_skus=tuple(islice(created, IMPORT_CREATED_SHOWN_MAX)),
    )
    return BatchDecision(changes=tuple(changes), result=result)


def movement_of(mode: ImportMode, change: EntryChange) -> NewMovement | None:
    """Return the ledger row of a change, if it moves anything."""
    if not change.on_hand_delta:
        return None
    entry = change.entry
    return NewMovement(
        sku=entry.sku,
        location=entry.location,
        kind=KINDS[mode],
        on_hand_delta=change.on_hand_delta,
        reserved_delta=0,
        reason=entry.reason,
        reference=entry.reference,
    )


def refusal(sku: str, location: str, code: RefusalCode, *, on_hand: int, reserved: int) -> Refusal:
    """Return a refusal: `on_hand` is what the level would have, `reserved` what open orders hold there."""
    if code is RefusalCode.SKU_NOT_FOUND:
        detail = sku_not_found(sku).detail
    elif code is RefusalCode.STOCK_BELOW_RESERVED:
        detail = stock_below_reserved(sku, location, on_hand, reserved).detail
    else:
        detail = count_too_large(sku, location, on_hand)
    return Refusal(sku=sku, location=location, code=code, detail=detail)


def _unknown(entry: StockEntry) -> Refusal:
    return refusal(entry.sku, entry.location, RefusalCode.SKU_NOT_FOUND, on_hand=entry.quantity, reserved=0)


def _decide_set(entry: StockEntry, product: Product | None, level: StockLevel | None) -> EntryChange | Refusal:
    reserved = level.reserved if level else 0
    if (code := _out_of_bounds(entry.quantity, reserved)) is not None:
        return refusal(entry.sku, entry.location, code, on_hand=entry.quantity, reserved=reserved)
    return EntryChange(
        entry=entry,
        creates_product=product is None,
        creates_level=level is None,
        name=_changed_name(entry, product),
        on_hand_delta=entry.quantity - (level.on_hand if level else 0),
    )


def _decide_adjust(entry: StockEntry, product: Product | None, level: StockLevel | None) -> EntryChange | Refusal:
    on_hand = (level.on_hand if level else 0) + entry.quantity
    reserved = level.reserved if level else 0
    code = RefusalCode.SKU_NOT_FOUND if product is None else _out_of_bounds(on_hand, reserved)
    if code is not None:
        return refusal(entry.sku, entry.location, code, on_hand=on_hand, reserved=reserved)
    return EntryChange(
        entry=entry,
        creates_product=False,
        creates_level=level is None and entry.quantity != 0,
        name=_changed_name(entry, product),
        on_hand_delta=entry.quantity,
    )


def _out_of_bounds(on_hand: int, reserved: int) -> RefusalCode | None:
    if on_hand > COUNT_MAX:
        return RefusalCode.OUT_OF_RANGE
    return RefusalCode.STOCK_BELOW_RESERVED if on_hand < reserved else None


def _changed_name(entry: StockEntry, product: Product | None) -> str | None:
    return None if product is not None and entry.name == product.name else entry.name
