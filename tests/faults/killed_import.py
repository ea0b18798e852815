"""A process that imports stock and says after each batch how far it is, to be killed in the middle."""

from __future__ import annotations

import io
import sys

from oms_core import ALL_SCOPES, Caller, ImportMode, ImportProgress, ImportStage, ImportStock, Oms, Settings

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)
COMMAND = ImportStock(mode=ImportMode.ADJUST, reason="counted", idempotency_key="K", batch_size=10)


def file_of(skus: int) -> io.BytesIO:
    """Write a file that adds 1 to each of so many SKUs."""
    return io.BytesIO(b"sku,quantity\n" + b"".join(b"SKU-%05d,1\n" % number for number in range(skus)))


def tell(progress: ImportProgress) -> None:
    """Say how many rows are applied."""
    if progress.stage is ImportStage.APPLYING:
        sys.stdout.write(f"{progress.done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with Oms.open(Settings(database_url=sys.argv[1])) as oms:
        oms.imports.stock(COMMAND, file_of(int(sys.argv[2])), caller=CLERK, progress=tell)
