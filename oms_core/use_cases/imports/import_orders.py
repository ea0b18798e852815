"""Importing orders from a file, each all or nothing, in the order of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from oms_core.documents.byte_sources import ByteSource
from oms_core.documents.orders import read_keyed_order
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.import_commands import (
    ImportOrders,
    ImportProgress,
    ImportStage,
    OrderImportReport,
    TellProgress,
    TellReject,
)
from oms_core.domain.limits import IMPORT_ORDER_CHARACTERS_MAX
from oms_core.domain.orders.placement import PlacementOutcome, Refused
from oms_core.errors import ErrorKind, OmsError
from oms_core.imports.order_rows import read_order_rows
from oms_core.imports.order_spool import OrderSpool, SpooledOrder
from oms_core.imports.records import Lines
from oms_core.imports.rehearsal import RehearsePlacements
from oms_core.imports.rejects import ORDER, refused_reject
from oms_core.ports.clock import Clock
from oms_core.ports.order_storage import OrderStorage
from oms_core.runtime.call_batches import PlaceMany


def import_orders(
    command: ImportOrders,
    source: ByteSource,
    *,
    caller: Caller,
    clock: Clock,
    write: Callable[..., list[PlacementOutcome]],
    location_priority: Sequence[str],
    orders: OrderStorage,
    commit: PlaceMany,
    rejects: TellReject,
    progress: TellProgress,
) -> OrderImportReport:
    """Read the whole file, then `write` its orders (`write_prepared`), up to 500 (or 5,000 lines) in one transaction.

    `rejects` is called with every malformed order, by line. If there is one, nothing is placed and `validation_error`
    is raised (`data`: `orders` and `malformed`; `errors`: the first 100, pointing at /line/column), unless the command
    skips bad ones. `rejects` is also called with every order that is refused (`insufficient_inventory`, `unknown_sku`,
    ...); the others are placed all the same. Every order has an idempotency key, so a rerun is harmless.

    Raise `payload_too_large`, `forbidden`, `storage_unavailable` or `outcome_unknown`. `data` of the last two counts
    the orders that were placed before (`placed`, `replayed`, `refused`).
    """
    caller.require(Scope.ORDERS_MANAGE)  # No limit of rates applies.
    caller.require(Scope.ORDERS_WRITE)
    started = clock.now()
    lines = Lines(source, record_characters_max=IMPORT_ORDER_CHARACTERS_MAX)
    with OrderSpool() as spool:
        _fill(spool, command, lines, progress)
        malformed = spool.refuse_bad(of="orders", skip=command.skip_bad, rejects=rejects)
        if command.dry_run:
            commit = RehearsePlacements(orders=orders, location_priority=location_priority, database=spool.database)
        counts = Counter(refused=malformed)
        for batch in spool.batches():
            outcomes = write([read_keyed_order(order.document) for order in batch], write=commit)
            for order, outcome in zip(batch, outcomes, strict=True):
                _count(order, outcome, counts, rejects)
            progress(ImportProgress(stage=ImportStage.APPLYING, done=counts.total(), total=spool.count))
    return _report(spool.count, lines.blank, counts, (clock.now() - started).total_seconds())


def _fill(spool: OrderSpool, command: ImportOrders, lines: Lines, progress: TellProgress) -> None:
    orders = read_order_rows(
        lines,
        lines.format(command.format),
        command.columns,
        delimiter=command.delimiter,
        idempotency_key=command.idempotency_key,
    )
    spool.fill(
        lines,
        orders,
        lambda count: progress(ImportProgress(stage=ImportStage.READING, done=count, total=None)),
    )


def _count(order: SpooledOrder, outcome: PlacementOutcome, counts: Counter[str], rejects: TellReject) -> None:
    if not isinstance(outcome, Refused):
        counts["replayed" if outcome.replayed else "placed"] += 1
        return
    error = outcome.error
    if error.kind is ErrorKind.UNAVAILABLE:
        raise _stopped(error, counts)
    counts["refused"] += 1
    rejects(refused_reject(ORDER, order.line, order.document, error))


def _report(orders: int, blank: int, counts: Counter[str], seconds: float) -> OrderImportReport:
    return OrderImportReport(
        orders=orders,
        placed=counts["placed"],
        replayed=counts["replayed"],
        refused=counts["refused"],
        blank=blank,
        seconds=seconds,
    )


def _stopped(error: OmsError, counts: Counter[str]) -> OmsError:
    """Return the error of a storage that failed, with the counts of what was imported before."""
    return OmsError(
        error.code,
        error.detail,
        further=f"{counts['placed']} orders were placed before, and the same import goes on after them",
        data={**error.data, **counts},
        retry_after_seconds=error.retry_after_seconds,
    )
