"""Shipping orders as a file says, in the order of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

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
from oms_core.domain.shipment_commands import CreateShipment
from oms_core.errors import ErrorKind, OmsError
from oms_core.imports.records import Lines
from oms_core.imports.rejects import SHIPMENT, refused_reject
from oms_core.imports.shipment_rows import read_shipment_rows
from oms_core.imports.shipment_spool import ShipmentSpool, SpooledShipment
from oms_core.ports.clock import Clock
from oms_core.ports.order_storage import OrderStorage
from oms_core.runtime.overlap import overlapped
from oms_core.use_cases.orders.ship_many import ship_many

# While one waits for the database, the other computes.
_BATCHES_AT_ONCE = 2


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
    started, lines = clock.now(), Lines(source, record_characters_max=IMPORT_ORDER_CHARACTERS_MAX)
    with ShipmentSpool() as spool:
        _fill(spool, command, lines, progress)
        malformed = spool.refuse_bad(of="shipments", skip=command.skip_bad, rejects=rejects)
        made = _Made(Counter(made=0, replayed=0, refused=malformed), rejects)
        works = overlapped(
            made.batches(spool),
            lambda batch: partial(ship_many, orders, batch.commands, caller=caller, clock=clock),
            at_once=_BATCHES_AT_ONCE,
            follows=_is_of_an_order_of,
            name="oms-import",
        )
        with closing(works) as begun:
            for batch, shipped in begun:
                made.add(batch, shipped)
                progress(ImportProgress(stage=ImportStage.APPLYING, done=made.counts.total(), total=spool.count))
        made.raise_fault()
    return _report(spool.count, lines.blank, made.counts, (clock.now() - started).total_seconds())


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


class _Batch(NamedTuple):
    """Shipments of a file, and what makes them."""

    shipments: Sequence[SpooledShipment]
    commands: Sequence[CreateShipment]


@dataclass(slots=True)
class _Made:
    """What has become of the shipments so far, and the error that leaves the rest undone."""

    counts: Counter[str]
    rejects: TellReject
    fault: OmsError | None = None

    def batches(self, spool: ShipmentSpool) -> Iterator[_Batch]:
        """Give what is to be made, until something fails."""
        for batch in spool.batches():
            if self.fault is not None:
                return
            yield _Batch(batch, [read_keyed_shipment(each.document, why_key="is required") for each in batch])

    def add(self, batch: _Batch, shipped: Callable[[], Sequence[Acted]]) -> None:
        """Count what a batch came to; a refusal is told, and a fault is kept."""
        try:
            outcomes = shipped()
        except OmsError as error:
            self.fault = self.fault or error
            return
        for shipment, outcome in zip(batch.shipments, outcomes, strict=True):
            if not isinstance(outcome, OmsError):
                self.counts["replayed" if outcome.replayed else "made"] += 1
            elif outcome.kind is ErrorKind.UNAVAILABLE:
                self.fault = self.fault or outcome
            else:
                self.counts["refused"] += 1
                self.rejects(refused_reject(SHIPMENT, shipment.line, shipment.document, outcome))

    def raise_fault(self) -> None:
        """Raise the error of a storage that failed, with the counts of what was made all the same."""
        if self.fault is None:
            return
        raise OmsError(
            self.fault.code,
            self.fault.detail,
            further=f"{self.counts['made']} shipments were made, and the same import goes on with the others",
            data={**self.fault.data, **self.counts},
            retry_after_seconds=self.fault.retry_after_seconds,
        ) from self.fault


def _is_of_an_order_of(batch: _Batch, other: _Batch) -> bool:
    """Return whether a batch ships of an order that the other ships of too, so that it must be made after it."""
    return not {each.order_id for each in batch.commands}.isdisjoint(each.order_id for each in other.commands)


def _report(shipments: int, blank: int, counts: Counter[str], seconds: float) -> ShipmentImportReport:
    return ShipmentImportReport(
        shipments=shipments,
        made=counts["made"],
        replayed=counts["replayed"],
        refused=counts["refused"],
        blank=blank,
        seconds=seconds,
    )
