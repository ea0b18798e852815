"""A process that ships or takes back as a file says, and tells after each batch how far it is, to be killed."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from oms_core import (
    ALL_SCOPES,
    Caller,
    ImportProgress,
    ImportReturns,
    ImportShipments,
    ImportStage,
    Oms,
    ReturnImportReport,
    Settings,
    ShipmentImportReport,
)
from oms_core.domain import limits
from oms_core.use_cases.orders import change_many

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)
# By kind the column that tells the acts on one order apart.
NUMBERS = {"shipments": "tracking_number", "returns": "reference"}


def file_of(kind: str, order_ids: Sequence[UUID]) -> io.BytesIO:
    """Write a partner's file: each order in two parts."""
    parts = [f"{order_id},A,1,T-{part}\n" for part in (1, 2) for order_id in order_ids]
    return io.BytesIO("".join([f"order_id,sku,quantity,{NUMBERS[kind]}\n", *parts]).encode())


def bring(oms: Oms, kind: str, file: io.BufferedIOBase) -> ShipmentImportReport | ReturnImportReport:
    """Import a file of a kind."""
    if kind == "shipments":
        return oms.imports.shipments(ImportShipments(), file, caller=CLERK, progress=tell)
    return oms.imports.returns(ImportReturns(), file, caller=CLERK, progress=tell)


def tell(progress: ImportProgress) -> None:
    """Say how many are made."""
    if progress.stage is ImportStage.APPLYING:
        sys.stdout.write(f"{progress.done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    change_many.TRANSACTION_ORDERS_MAX = limits.TRANSACTION_ORDERS_MAX // 50  # Many transactions to be killed between.
    with Oms.open(Settings(database_url=sys.argv[1])) as opened, Path(sys.argv[3]).open("rb") as source:
        bring(opened, sys.argv[2], source)
