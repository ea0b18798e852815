"""A process that expires holds, a few in each transaction, and says after each how many, to be killed in the middle."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from uuid import UUID

from oms_peewee.holds import PeeweeHolds

from oms_core import ALL_SCOPES, Caller, Oms, Settings
from oms_core.domain.stamps import Stamp

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)
BATCH = 10


class ToldHolds(PeeweeHolds):
    """Tells of each transaction."""

    def expire(self, order_ids: Sequence[UUID], *, stamp: Stamp) -> list[UUID]:
        expired = super().expire(order_ids, stamp=stamp)
        sys.stdout.write(f"{len(expired)}\n")
        sys.stdout.flush()
        return expired


if __name__ == "__main__":
    with Oms.open(Settings(database_url=sys.argv[1])) as oms:
        storage = oms._ports.storage
        storage.holds.__class__ = ToldHolds
        storage.holds.expire_orders_max = BATCH  # type: ignore[misc]
        oms.holds.expire(caller=CLERK)
