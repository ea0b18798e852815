"""Shipping orders as a file says, in the order of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from oms_core.documents.byte_sources import ByteSource
from oms_core.documents.shipments import read_keyed_shipment
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.import_commands import (
    ImportProgress,
    ImportShipments,
    ImportStage,
    ShipmentImportReport,
    TellProgress,
    TellReject,
)
from oms_core.domain.limits import IMPORT_ORDER_CHARACTERS_MAX
from oms_core.domain.orders.bulk_changes import Acted
from oms_core.errors import ErrorKind, OmsError
from oms_core.imports.records import Lines
from oms_core.imports.rejects import SHIPMENT, refused_reject
from oms_core.imports.shipment_rows import read_shipment_rows
from oms_core.imports.shipment_spool import ShipmentSpool, SpooledShipment
from oms_core.ports.clock import Clock
from oms_core.ports.order_storage import OrderStorage
from oms_core.use_cases.orders.ship_many import ship_many


def import_shipments(
    command: ImportShipments,
    source: ByteSource,
    *,
    caller: Caller,
    clock: Clock,
    orders: OrderStorage,
    rejects: TellReject,
    progress: TellProgress,
) -> ShipmentImportReport:
    """Read the whole file, then make its shipments, some 500 orders in a transaction.

    `rejects` is called with every malformed shipment, by line. If there is one, nothing is shipped and
    `validation_error` is raised (`data`: `shipments` and `malformed`; `errors`: the first 100, pointing at
    /line/column), unless the command skips bad ones. `rejects` is also called with every shipment that is refused
    (`order_not_found`, `exceeds_reserved`, ...); the others are made all the same. Every shipment has an idempotency
    key, so a rerun is harmless.

    Raise `payload_too_large`, `forbidden`, `storage_unavailable` or `outcome_unknown`. `data` of the last two counts
    the shipments that were made before (`made`, `replayed`, `refused`).
    """
    caller.require(Scope.ORDERS_MANAGE)
    started = clock.now()
    lines = Lines(source, record_characters_max=IMPORT_ORDER_CHARACTERS_MAX)
    with ShipmentSpool() as spool:
        _fill(spool, command, lines, progress)
        malformed = spool.refuse_bad(of="shipments", skip=command.skip_bad, rejects=rejects)
        counts = Counter(refused=malformed)
        for batch in spool.batches():
            commands = [read_keyed_shipment(each.document, why_key="is required") for each in batch]
            outcomes = _shipped(lambda: ship_many(orders, commands, caller=caller, clock=clock), counts)  # noqa: B023
            for shipment, outcome in zip(batch, outcomes, strict=True):
                _count(shipment, outcome, counts, rejects)
            progress(ImportProgress(stage=ImportStage.APPLYING, done=counts.total(), total=spool.count))
    return _report(spool.count, lines.blank, counts, (clock.now() - started).total_seconds())


def _fill(spool: ShipmentSpool, command: ImportShipments, lines: Lines, progress: TellProgress) -> None:
    shipments = read_shipment_rows(
        lines,
        lines.format(command.format),
        command.columns,
        delimiter=command.delimiter,
        idempotency_key=command.idempotency_key,
    )
    spool.fill(
        lines,
        shipments,
        lambda count: progress(ImportProgress(stage=ImportStage.READING, done=count, total=None)),
    )


def _shipped(ship: Callable[[], list[Acted]], counts: Counter[str]) -> list[Acted]:
    try:
        return ship()
    except OmsError as error:
        raise _stopped(error, counts) from error


def _count(shipment: SpooledShipment, outcome: Acted, counts: Counter[str], rejects: TellReject) -> None:
    if not isinstance(outcome, OmsError):
        counts["replayed" if outcome.replayed else "made"] += 1
        return
    if outcome.kind is ErrorKind.UNAVAILABLE:
        raise _stopped(outcome, counts)
    counts["refused"] += 1
    rejects(refused_reject(SHIPMENT, shipment.line, shipment.document, outcome))


def _report(shipments: int, blank: int, counts: Counter[str], seconds: float) -> ShipmentImportReport:
    return ShipmentImportReport(
        shipments=shipments,
        made=counts["made"],
        replayed=counts["replayed"],
        refused=counts["refused"],
        blank=blank,
        seconds=seconds,
    )


def _stopped(error: OmsError, counts: Counter[str]) -> OmsError:
    """Return the error of a storage that failed, with the counts of what was made before."""
    return OmsError(
        error.code,
        error.detail,
        further=f"{counts['made']} shipments were made before, and the same import goes on after them",
        data={**error.data, **counts},
        retry_after_seconds=error.retry_after_seconds,
    )
