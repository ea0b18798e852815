"""Payment references: each belongs to one order, for good."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from oms_core.domain.orders.holds import reference_in_use
from oms_peewee.order_models import PaymentReferenceRow
from oms_peewee.session import Session


def keep_payment_reference(session: Session, payment_reference: str, order_id: UUID, now: datetime) -> None:
    """Write whose a payment reference is. Raise `payment_reference_in_use` where it is another order's.

    It collides with a rival's row of the same reference, which is found when the work is done again.
    """
    kept = PaymentReferenceRow.select().where(PaymentReferenceRow.payment_reference == payment_reference)
    row = kept.first(session)
    if row is None:
        written = {"payment_reference": payment_reference, "order_id": order_id, "created_at": now}
        PaymentReferenceRow.insert(**written).execute(session)
    elif row.order_id != order_id:
        raise reference_in_use()
