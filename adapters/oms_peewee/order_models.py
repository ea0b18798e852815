"""The tables of orders as peewee models; a test compares them with the migrated schema."""

from __future__ import annotations

import peewee

from oms_peewee.fields import DigestField, IdField, JsonField, MoneyField, TimeField


class OrderRow(peewee.Model):
    """An order without its lines."""

    id = IdField(primary_key=True)
    status = peewee.TextField()
    customer_id = peewee.TextField()
    reference = peewee.TextField(null=True)
    currency = peewee.TextField()
    total = MoneyField(column_name="total_e4", null=True)
    metadata = JsonField()
    caller = peewee.TextField()
    failure = JsonField(null=True)
    attempts = peewee.IntegerField()
    version = peewee.IntegerField()
    created_at = TimeField()
    updated_at = TimeField()
    hold_seconds = peewee.IntegerField(null=True)
    hold_until = TimeField(null=True)
    hold_extensions = peewee.SmallIntegerField(null=True)
    payment_reference = peewee.TextField(null=True)
    locations = JsonField(null=True)
    allow_incoming = peewee.BooleanField(null=True)

    class Meta:
        """Its table."""

        table_name = "orders"


class WaitingRow(peewee.Model):
    """An order that waits: to be placed, or to be confirmed."""

    order_id = IdField(primary_key=True)
    queue_no = peewee.BigIntegerField(null=True)
    due_at = TimeField(null=True)
    since = TimeField()
    attempts = peewee.IntegerField()
    waits_for = peewee.TextField()

    class Meta:
        """Its table."""

        table_name = "waiting_orders"


class OrderKeyRow(peewee.Model):
    """The idempotency key of an act on an order."""

    created_at = TimeField()
    order_id = IdField()
    act_no = peewee.IntegerField(null=True)
    answer_status = peewee.SmallIntegerField()
    act = peewee.TextField()
    caller = peewee.TextField()
    idempotency_key = peewee.TextField()
    fingerprint = DigestField(null=True)

    class Meta:
        """Its table."""

        table_name = "order_keys"
        primary_key = peewee.CompositeKey("idempotency_key", "caller")


class PaymentReferenceRow(peewee.Model):
    """The payment of an order."""

    created_at = TimeField()
    order_id = IdField()
    payment_reference = peewee.TextField(primary_key=True)

    class Meta:
        """Its table."""

        table_name = "payment_references"


class LineRow(peewee.Model):
    """One line of an order."""

    order_id = IdField()
    line_no = peewee.SmallIntegerField()
    sku = peewee.TextField()
    quantity = peewee.IntegerField()
    unit_price = MoneyField(column_name="unit_price_e4", null=True)

    class Meta:
        """Its table."""

        table_name = "order_lines"
        primary_key = peewee.CompositeKey("order_id", "line_no")


class ShipmentRow(peewee.Model):
    """A shipment of an order."""

    order_id = IdField()
    shipment_no = peewee.IntegerField()
    act_id = IdField()
    status = peewee.TextField()
    location = peewee.TextField()
    carrier = peewee.TextField(null=True)
    tracking_number = peewee.TextField(null=True)
    tracking_url = peewee.TextField(null=True)
    reference = peewee.TextField(null=True)
    created_at = TimeField()
    updated_at = TimeField()
    delivered_at = TimeField(null=True)

    class Meta:
        """Its table."""

        table_name = "shipments"
        primary_key = peewee.CompositeKey("order_id", "shipment_no")


class ReturnRow(peewee.Model):
    """A return of an order."""

    order_id = IdField()
    return_no = peewee.IntegerField()
    act_id = IdField()
    reference = peewee.TextField(null=True)
    reason = peewee.TextField(null=True)
    created_at = TimeField()

    class Meta:
        """Its table."""

        table_name = "returns"
        primary_key = peewee.CompositeKey("order_id", "return_no")


class ReturnLineRow(peewee.Model):
    """Units of a return, and what became of them."""

    order_id = IdField()
    return_no = peewee.IntegerField()
    entry_no = peewee.IntegerField()
    line_no = peewee.SmallIntegerField()
    sku = peewee.TextField()
    quantity = peewee.IntegerField()
    disposition = peewee.TextField()
    shipped_from = peewee.TextField()
    location = peewee.TextField(null=True)

    class Meta:
        """Its table."""

        table_name = "return_lines"
        primary_key = peewee.CompositeKey("order_id", "return_no", "entry_no")
