"""What callers ask for of held orders: to confirm them, and to hold them longer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oms_core.domain import limits
from oms_core.domain.commands import check_act
from oms_core.domain.validation import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmOrder:
    """Place a held order for good. `payment_reference` names the payment, which then pays no other order.

    `if_version` is as in ChangeOrderStatus; `idempotency_key` makes it repeatable.
    """

    order_id: UUID
    payment_reference: str | None = None
    if_version: int | None = None
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_act(findings, self.order_id, self.if_version, self.idempotency_key)
        if self.payment_reference is not None:
            longest = limits.PAYMENT_REFERENCE_LENGTH_MAX
            findings.identifier("/payment_reference", self.payment_reference, longest=longest)
        findings.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendHold:
    """Let a hold end no earlier than `seconds` (at least 1) from now.

    `if_version` is as in ChangeOrderStatus; `idempotency_key` makes it repeatable.
    """

    order_id: UUID
    seconds: int
    if_version: int | None = None
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        check_act(findings, self.order_id, self.if_version, self.idempotency_key)
        findings.whole_number("/seconds", self.seconds, lowest=1, highest=limits.HOLD_SECONDS_MAX)
        findings.raise_if_any()
