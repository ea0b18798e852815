"""Acting on orders as a file says, shipping or taking back, in the order of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Generic, NamedTuple

from oms_core.documents.byte_sources import ByteSource
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.import_commands import (
    ActImportReport,
    ImportActs,
    ImportProgress,
    ImportStage,
    TellProgress,
    TellReject,
)
from oms_core.domain.limits import IMPORT_ORDER_CHARACTERS_MAX
from oms_core.domain.orders.bulk_changes import Acted
from oms_core.imports.act_kinds import ActKind, Command
from oms_core.imports.act_rows import read_act_rows
from oms_core.imports.act_spool import ActSpool, SpooledAct
from oms_core.imports.records import Lines
from oms_core.ports.clock import Clock
from oms_core.runtime.overlap import overlapped
from oms_core.use_cases.imports.acts_done import ActsDone

# While one waits for the database, the other computes.
_BATCHES_AT_ONCE = 2


def import_acts(
    kind: ActKind[Command],
    command: ImportActs,
    source: ByteSource,
    *,
    caller: Caller,
    clock: Clock,
    act: Callable[[Sequence[Command]], Sequence[Acted]],
    rejects: TellReject,
    progress: TellProgress,
) -> ActImportReport:
    """Read the whole file, then `act` on its orders, some 500 in a transaction; `act` is the kind's `create_many`.

    `rejects` is called with every malformed act, by line. If there is one, nothing is done and `validation_error` is
    raised (`data`: how many there are, under the noun's plural, and `malformed`; `errors`: the first 100, pointing at
    /line/column), unless the command skips bad ones. `rejects` is also called with every act that is refused
    (`order_not_found`, ...); the others are done all the same. Every act has a key, so a rerun is harmless.

    Raise `payload_too_large`, `forbidden`, `storage_unavailable` or `outcome_unknown`. `data` of the last two counts
    the acts that were done before (`made`, `replayed`, `refused`).
    """
    caller.require(Scope.ORDERS_MANAGE)
    started, lines = clock.now(), Lines(source, record_characters_max=IMPORT_ORDER_CHARACTERS_MAX)
    with ActSpool(kind.noun) as spool:
        _fill(spool, kind, command, lines, progress)
        malformed = spool.refuse_bad(of=kind.noun.plural, skip=command.skip_bad, rejects=rejects)
        done = ActsDone.beside(malformed, kind.noun, rejects)
        works = overlapped(
            _batches(spool, kind, done),
            lambda batch: partial(act, batch.commands),
            at_once=_BATCHES_AT_ONCE,
            follows=_is_of_an_order_of,
            name="oms-import",
        )
        with closing(works) as begun:
            for batch, acted in begun:
                done.add(batch.acts, acted)
                progress(ImportProgress(stage=ImportStage.APPLYING, done=done.counts.total(), total=spool.count))
        done.raise_fault()
    return ActImportReport(**done.counts, blank=lines.blank, seconds=(clock.now() - started).total_seconds())


def _fill(spool: ActSpool, kind: ActKind[Command], command: ImportActs, lines: Lines, progress: TellProgress) -> None:
    acts = read_act_rows(
        lines,
        lines.format(command.format),
        command.columns,
        kind,
        delimiter=command.delimiter,
        idempotency_key=command.idempotency_key,
    )
    spool.fill(lines, acts, lambda count: progress(ImportProgress(stage=ImportStage.READING, done=count, total=None)))


class _Batch(NamedTuple, Generic[Command]):
    """Acts of a file, and what does them."""

    acts: Sequence[SpooledAct]
    commands: Sequence[Command]


def _batches(spool: ActSpool, kind: ActKind[Command], done: ActsDone) -> Iterator[_Batch[Command]]:
    """Give what is to be done, until something fails."""
    for acts in spool.batches():
        if done.fault is not None:
            return
        yield _Batch(acts, [kind.read(each.document) for each in acts])


def _is_of_an_order_of(batch: _Batch[Command], other: _Batch[Command]) -> bool:
    """Return whether a batch acts on an order that the other acts on too, so that it must be done after it."""
    return not {each.order_id for each in batch.commands}.isdisjoint(each.order_id for each in other.commands)
