"""A process that archives orders and says after each batch how many have left, to be killed in the middle."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from oms_core import ALL_SCOPES, Caller, Oms, Settings

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)
UNTOUCHED = timedelta(microseconds=1)
BATCH = 10


def tell(archived: int) -> None:
    """Say how many have left."""
    sys.stdout.write(f"{archived}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with Oms.open(Settings(database_url=sys.argv[1])) as oms:
        oms.archive.write(Path(sys.argv[2]), untouched=UNTOUCHED, caller=CLERK, batch_size=BATCH, progress=tell)
