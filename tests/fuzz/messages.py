"""Messages that are nearly right, and messages that are none, for the consumer of both queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oms_core.domain.limits import MESSAGE_BYTES_MAX
from oms_core.ports.broker import Message, MessageKind
from tests.fuzz.chance import Chance, to_json

SKU = "A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """What has to be placed whatever comes beside it: queued orders, and commands by their keys."""

    order_ids: Sequence[UUID]
    keys: Sequence[str]


class MessageWriter:
    """Writes messages; `known` are ids of orders of any status."""

    def __init__(self, chance: Chance, known: Sequence[UUID]) -> None:
        self._chance = chance
        self._known = known

    def announcement(self, *order_ids: UUID) -> Message:
        """Name orders that wait."""
        body = to_json({"order_ids": [str(order_id) for order_id in order_ids]})
        return Message(kind=MessageKind.ORDER_IDS, body=body, redelivered=self._chance.happens(0.2))

    def command(self, key: str) -> Message:
        """Ask for an order."""
        return Message(kind=MessageKind.COMMAND, body=to_json(self._order(key)), redelivered=self._chance.happens(0.2))

    def bad(self) -> Message:
        """Write what is most likely no message of ours."""
        chance = self._chance
        kind = chance.one_of(tuple(MessageKind))
        return Message(kind=kind, body=self._bad_body(kind), redelivered=chance.happens(0.3))

    def _bad_body(self, kind: MessageKind) -> bytes:
        chance = self._chance
        if chance.happens(0.001):
            return b" " * (MESSAGE_BYTES_MAX + 1)
        if kind is MessageKind.COMMAND:
            return chance.body(self._order(f"m{chance.below(10**9)}"))
        ids: list[object] = [str(chance.one_of(self._known)) for _ in range(1 + chance.below(4))]
        ids += [str(UUID(int=chance.below(2**128)))]
        return chance.body({"order_ids": ids * (200 if chance.happens(0.01) else 1)})

    def _order(self, key: str) -> dict[str, object]:
        line = {"sku": SKU, "quantity": 1 + self._chance.below(3), "unit_price": "1.50"}
        return {"idempotency_key": key, "customer_id": "C1", "reference": "R", "metadata": {"a": "b"}, "lines": [line]}
