"""Acts on one order, each under an idempotency key or without."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.order_changes import Changed
from oms_core.ports.clock import Clock
from oms_core.ports.order_storage import DecideOrderChange, OrderStorage


class OrderCommand(Protocol):
    """A command that acts on one order, and may have a key."""

    @property
    def order_id(self) -> UUID:
        """The order."""
        ...

    @property
    def idempotency_key(self) -> str | None:
        """What makes it repeatable."""
        ...


@dataclass(frozen=True, slots=True)
class OrderActs:
    """Acts on orders, at the time that the clock shows."""

    orders: OrderStorage
    clock: Clock

    def __call__(
        self,
        command: OrderCommand,
        act: str,
        fingerprint: bytes,
        *,
        caller: Caller,
        owner: str | None,
        decide: DecideOrderChange,
        skus: Collection[str] | None = None,
    ) -> Changed:
        """Do what `decide` says, once per key of the command; `owner` and `skus` are as in `OrderStorage.act`."""
        return self.orders.act(
            command.order_id,
            key=key_of(command, act, fingerprint, caller),
            owner=owner,
            caller=caller,
            now=self.clock.now(),
            decide=decide,
            skus=skus,
        )


def key_of(command: OrderCommand, act: str, fingerprint: bytes, caller: Caller) -> IdempotencyKey | None:
    """Return the key of a command, in the namespace of its caller."""
    if command.idempotency_key is None:
        return None
    return IdempotencyKey(actor=caller.name, key=command.idempotency_key, act=act, fingerprint=fingerprint)
