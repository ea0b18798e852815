"""The kinds of acts on orders that a file may hold: shipments and returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from oms_core.documents.returns import read_keyed_return
from oms_core.documents.shipments import read_keyed_shipment
from oms_core.domain.import_commands import RETURN_COLUMNS, SHIPMENT_COLUMNS
from oms_core.domain.return_commands import CreateReturn
from oms_core.domain.shipment_commands import CreateShipment
from oms_core.imports.rejects import RETURN, SHIPMENT, Noun

Command = TypeVar("Command", CreateShipment, CreateReturn)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActKind(Generic[Command]):
    """How a file says acts of one kind.

    `names` are the columns whose texts a spreadsheet may have taken for numbers. Acts on one order are told apart by
    their keys and by the columns `told_by`. These make the key of one that has none, where it has one of `numbers`,
    which are the sender's. `read` makes the command of a document, which must have a key; raises `validation_error`.
    """

    noun: Noun
    columns: Sequence[str]
    names: Sequence[str]
    told_by: Sequence[str]
    numbers: Sequence[str]
    read: Callable[[Mapping[str, object]], Command]


SHIPMENTS = ActKind(
    noun=SHIPMENT,
    columns=SHIPMENT_COLUMNS,
    names=("idempotency_key", "sku", "tracking_number", "reference"),
    told_by=("location", "reference", "tracking_number"),
    numbers=("reference", "tracking_number"),
    read=partial(
        read_keyed_shipment,
        why_key="is required (or a reference, a tracking number, or a key for the file), so that a rerun is harmless",
    ),
)
RETURNS = ActKind(
    noun=RETURN,
    columns=RETURN_COLUMNS,
    names=("idempotency_key", "sku", "reference"),
    told_by=("reference",),
    numbers=("reference",),
    read=partial(
        read_keyed_return,
        why_key="is required (or a reference, or a key for the file), so that a rerun is harmless",
    ),
)
