"""A process that ships the orders of a file and says after each batch how far it is, to be killed in the middle."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from oms_core import ALL_SCOPES, Caller, ImportProgress, ImportShipments, ImportStage, Oms, Settings
from oms_core.domain import limits
from oms_core.use_cases.orders import change_many

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)


def file_of(order_ids: Sequence[UUID]) -> io.BytesIO:
    """Write a partner's file: each order in two parts."""
    parts = [f"{order_id},A,1,T-{part}\n" for part in (1, 2) for order_id in order_ids]
    return io.BytesIO("".join(["order_id,sku,quantity,tracking_number\n", *parts]).encode())


def tell(progress: ImportProgress) -> None:
    """Say how many shipments are made."""
    if progress.stage is ImportStage.APPLYING:
        sys.stdout.write(f"{progress.done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    change_many.TRANSACTION_ORDERS_MAX = limits.TRANSACTION_ORDERS_MAX // 50  # Many transactions to be killed between.
    with Oms.open(Settings(database_url=sys.argv[1])) as oms, Path(sys.argv[2]).open("rb") as file:
        oms.imports.shipments(ImportShipments(), file, caller=CLERK, progress=tell)
