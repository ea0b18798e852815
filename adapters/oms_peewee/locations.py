"""LocationStorage: places that hold stock, and which levels are withheld because theirs does not sell."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from oms_core.domain.callers import Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.changes import events_between
from oms_core.domain.stock.locations import Location, LocationKind, check_new, folded, new_location
from oms_core.domain.stock.products import StockLevel
from oms_core.ports.location_storage import DecideLocation
from oms_peewee.database import Database
from oms_peewee.dialect import Ledger
from oms_peewee.faults import ChangedMeanwhileError
from oms_peewee.idempotency_keys import is_kept, keep_stock_key
from oms_peewee.models import LevelRow, LocationRow
from oms_peewee.products import lock_products, products_by_sku
from oms_peewee.session import Session
from oms_peewee.written import Written, harmless_again, nothing_written


class PeeweeLocations:
    """LocationStorage on both databases."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    def find(self) -> list[Location]:
        return self._database.read(_all)

    def set(self, name: str, *, key: IdempotencyKey, now: datetime, decide: DecideLocation) -> Location:
        return self._database.write(lambda session: _set(session, name, key, now, decide), look_up={})

    def withhold(self, name: str, *, after: str | None, limit: int, caller: Caller, now: datetime) -> str | None:
        stamp = Stamp.of(caller, now)
        return self._database.write(lambda session: self._withhold(session, name, after, limit, stamp), look_up={})

    def _withhold(
        self, session: Session, name: str, after: str | None, limit: int, stamp: Stamp
    ) -> Written[str | None]:
        location = _locked(session, name, to_change=False)
        page = LevelRow.select(LevelRow.sku).where(LevelRow.location == name).order_by(LevelRow.sku).limit(limit)
        if after is not None:
            page = page.where(LevelRow.sku > after)
        skus = [sku for (sku,) in page.tuples().execute(session)]
        last = skus[-1] if len(skus) == limit else None
        if location is None or not skus:
            return nothing_written(last)
        lock_products(session, skus)
        before = products_by_sku(session, skus)
        wrong = [sku for sku, product in before.items() if _is_wrong(location, product.level(name))]
        if not wrong:
            return nothing_written(last)
        withheld = LevelRow.kept_back if location.sells else COUNT_MAX
        changed = LevelRow.update(withheld=withheld, version=LevelRow.version + 1, updated_at=stamp.at)
        changed.where(LevelRow.location == name, LevelRow.sku.in_(wrong)).execute(session)
        after_it = products_by_sku(session, wrong)
        events = [(event, stamp) for sku in wrong for event in events_between(before[sku], after_it[sku])]
        self._ledger.write(session, movements=[], events=events)
        # What is as it has to be is left alone, so that nothing is announced twice.
        return harmless_again(last)


def ensure_locations(session: Session, names: Collection[str], now: datetime) -> dict[str, Location]:
    """Lock locations against a change, and make those that there are none of; return them by name.

    Raise `validation_error` for a new one that differs from another in case or width only.
    """
    known = [name for (name,) in LocationRow.select(LocationRow.name).tuples().execute(session)]
    for name in sorted(set(names) - set(known)):
        check_new(name, known)
        if not _insert(session, new_location(name, now)):
            raise ChangedMeanwhileError("another caller has just named this location, or one like it")
        known.append(name)
    query = LocationRow.select().where(LocationRow.name.in_(sorted(names))).order_by(LocationRow.name)
    return {row.name: _location(row) for row in session.sharing(query).execute(session)}


def _set(session: Session, name: str, key: IdempotencyKey, now: datetime, decide: DecideLocation) -> Written[Location]:
    present = _locked(session, name, to_change=True)
    decided = decide(present)
    if present is None:
        check_new(name, [other for (other,) in LocationRow.select(LocationRow.name).tuples().execute(session)])
        if not _insert(session, decided):
            raise ChangedMeanwhileError("another caller has just named this location, or one like it")
    elif decided != present:
        LocationRow.update(
            kind=decided.kind.value,
            sells=decided.sells,
            ships=decided.ships,
            expected_at=decided.expected_at,
            note=decided.note,
            updated_at=decided.updated_at,
        ).where(LocationRow.name == name).execute(session)
    else:
        return nothing_written(decided)
    keep_stock_key(session, key, None, now)

    def is_done(later: Session) -> bool:
        _locked(later, name, to_change=True)
        return is_kept(later, key)

    return Written(
        result=decided, was_committed=is_done, as_it_is=lambda later: _locked(later, name, to_change=False) or decided
    )


def _insert(session: Session, location: Location) -> bool:
    row = {
        "name": location.name,
        "folded": folded(location.name),
        "kind": location.kind.value,
        "sells": location.sells,
        "ships": location.ships,
        "expected_at": location.expected_at,
        "note": location.note,
        "updated_at": location.updated_at,
    }
    return bool(LocationRow.insert(row).on_conflict_ignore().as_rowcount().execute(session))


def _locked(session: Session, name: str, *, to_change: bool) -> Location | None:
    query = LocationRow.select().where(LocationRow.name == name)
    row = (session.locking(query) if to_change else session.sharing(query)).first(session)
    return None if row is None else _location(row)


def _all(session: Session) -> list[Location]:
    return [_location(row) for row in LocationRow.select().order_by(LocationRow.name).execute(session)]


def _location(row: LocationRow) -> Location:
    return Location(
        name=row.name,
        kind=LocationKind(row.kind),
        sells=row.sells,
        ships=row.ships,
        expected_at=row.expected_at,
        note=row.note,
        updated_at=row.updated_at,
    )


def _is_wrong(location: Location, level: StockLevel | None) -> bool:
    """Return whether a level is sold though its location does not sell, or the other way round."""
    return level is not None and level.withheld != location.withheld(level.kept_back)
