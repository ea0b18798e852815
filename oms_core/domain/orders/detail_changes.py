"""The decision on another reference, or other metadata, of an order."""

from __future__ import annotations

from oms_core.domain.change_commands import UpdateOrder
from oms_core.domain.commands import Unset
from oms_core.domain.events import EventType, NewEvent
from oms_core.domain.orders.details import OrderDetails, check_metadata
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import OrderChange, check_version
from oms_core.domain.validation import Findings


def decide_update(order: Order, command: UpdateOrder) -> OrderChange | None:
    """Decide on details of an order in any status; None where they are so already.

    Raise `version_mismatch`, or `validation_error` for too many entries of metadata.
    """
    reference = order.reference if isinstance(command.reference, Unset) else command.reference
    metadata = {**order.metadata, **command.metadata}
    after = OrderDetails(
        customer_id=order.customer_id,
        reference=reference,
        metadata={name: text for name, text in metadata.items() if text is not None},
    )
    if (after.reference, after.metadata) == (order.reference, order.metadata):
        return None
    check_version(order, command.if_version)
    findings = Findings()
    check_metadata(findings, after.metadata)
    findings.raise_if_any()
    data = {"before": _shown(order), "after": _shown(after)}
    event = NewEvent(type=EventType.ORDER_CHANGED, order_id=order.id, order_version=order.version + 1, data=data)
    return OrderChange(status=order.status, movements=(), events=(event,), details=after)


def _shown(details: OrderDetails) -> dict[str, object]:
    return {"reference": details.reference, "metadata": dict(details.metadata)}
