"""Moving stock between locations as a file says, in the order of the file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from oms_core.documents.byte_sources import ByteSource
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.import_commands import ImportProgress, ImportStage, TellProgress, TellReject
from oms_core.domain.stock.transfers import TransferStock
from oms_core.domain.transfer_imports import ImportTransfers, TransferImportReport
from oms_core.errors import OmsError
from oms_core.imports.act_spool import ActSpool, SpooledAct
from oms_core.imports.records import Lines
from oms_core.imports.rejects import TRANSFER
from oms_core.imports.transfer_rows import read_transfer, read_transfer_rows
from oms_core.ports.clock import Clock
from oms_core.use_cases.imports.acts_done import ActsDone, Done


def import_transfers(
    command: ImportTransfers,
    source: ByteSource,
    *,
    caller: Caller,
    clock: Clock,
    transfer: Callable[[TransferStock], Done],
    rejects: TellReject,
    progress: TellProgress,
) -> TransferImportReport:
    """Read the whole file, then make its transfers, each in a transaction of its own: such a file is short.

    `rejects` is called with every malformed row, by line. If there is one, nothing is done and `validation_error` is
    raised (`data`: `transfers` and `malformed`, how many there are; `errors`: the first 100, pointing at
    /line/column), unless the command skips bad ones. `rejects` is also called with every transfer that is refused
    (`sku_not_found`, `stock_below_reserved`, ...); the others are made all the same. Every transfer has a key, so a
    rerun is harmless.

    Raise `payload_too_large`, `forbidden`, `storage_unavailable` or `outcome_unknown`. `data` of the last two counts
    the transfers that were made before (`made`, `replayed`, `refused`).
    """
    caller.require(Scope.INVENTORY_WRITE)
    caller.require_unbound()
    started, lines = clock.now(), Lines(source)
    with ActSpool(TRANSFER) as spool:
        _fill(spool, command, lines, progress)
        malformed = spool.refuse_bad(of=TRANSFER.plural, skip=command.skip_bad, rejects=rejects)
        done = ActsDone.beside(malformed, TRANSFER, rejects)
        for act in (act for batch in spool.batches() for act in batch):
            done.add([act], partial(_transferred, act, transfer))
            done.raise_fault()
            progress(ImportProgress(stage=ImportStage.APPLYING, done=done.counts.total(), total=spool.count))
    seconds = (clock.now() - started).total_seconds()
    return TransferImportReport(**done.counts, transfers=done.counts.total(), blank=lines.blank, seconds=seconds)


def _fill(spool: ActSpool, command: ImportTransfers, lines: Lines, progress: TellProgress) -> None:
    rows = read_transfer_rows(
        lines,
        lines.format(command.format),
        command.columns,
        delimiter=command.delimiter,
        idempotency_key=command.idempotency_key,
    )
    spool.fill(lines, rows, lambda count: progress(ImportProgress(stage=ImportStage.READING, done=count, total=None)))


def _transferred(act: SpooledAct, transfer: Callable[[TransferStock], Done]) -> list[Done | OmsError]:
    """Make a transfer, or return why it is refused. Raise what would be so for every row."""
    try:
        return [transfer(read_transfer(act.document))]
    except OmsError as error:
        if error.row.tells_of_the_system:
            raise
        return [error]
