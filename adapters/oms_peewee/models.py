"""The tables as peewee models; a test compares them with the migrated schema."""

from __future__ import annotations

import peewee

from oms_peewee.fields import DigestField, IdField, JsonField, ScopesField, TimeField


class ProductRow(peewee.Model):
    """What is sold."""

    sku = peewee.TextField(primary_key=True)
    name = peewee.TextField()
    low_stock_threshold = peewee.BigIntegerField(null=True)
    created_at = TimeField()
    updated_at = TimeField()

    class Meta:
        """Its table."""

        table_name = "products"


class LevelRow(peewee.Model):
    """Units of a SKU at a location."""

    sku = peewee.TextField()
    location = peewee.TextField()
    on_hand = peewee.BigIntegerField()
    reserved = peewee.BigIntegerField()
    version = peewee.BigIntegerField()
    updated_at = TimeField()
    withheld = peewee.BigIntegerField(null=True)
    kept_back = peewee.BigIntegerField(null=True)

    class Meta:
        """Its table."""

        table_name = "stock_levels"
        primary_key = peewee.CompositeKey("sku", "location")


class LocationRow(peewee.Model):
    """A place that holds stock."""

    name = peewee.TextField(primary_key=True)
    folded = peewee.TextField()
    kind = peewee.TextField()
    sells = peewee.BooleanField()
    ships = peewee.BooleanField()
    expected_at = TimeField(null=True)
    note = peewee.TextField(null=True)
    updated_at = TimeField()

    class Meta:
        """Its table."""

        table_name = "locations"


class MovementRow(peewee.Model):
    """One row of the ledger."""

    id = peewee.BigAutoField()
    sku = peewee.TextField()
    location = peewee.TextField()
    kind = peewee.TextField()
    on_hand_delta = peewee.BigIntegerField()
    reserved_delta = peewee.BigIntegerField()
    order_id = IdField(null=True)
    line_no = peewee.SmallIntegerField(null=True)
    reason = peewee.TextField(null=True)
    reference = peewee.TextField(null=True)
    actor = peewee.TextField()
    created_at = TimeField()
    act_id = IdField(null=True)

    class Meta:
        """Its table."""

        table_name = "stock_movements"


class EventRow(peewee.Model):
    """One event."""

    id = peewee.BigAutoField()
    type = peewee.TextField()
    order_id = IdField(null=True)
    order_version = peewee.IntegerField(null=True)
    sku = peewee.TextField(null=True)
    data = JsonField()
    actor = peewee.TextField()
    request_id = peewee.TextField(null=True)
    created_at = TimeField()

    class Meta:
        """Its table."""

        table_name = "events"


class StockKeyRow(peewee.Model):
    """The idempotency key of an act on stock."""

    created_at = TimeField()
    act_id = IdField(null=True)
    progress = peewee.BigIntegerField(null=True)
    act = peewee.TextField()
    sku = peewee.TextField(null=True)
    actor = peewee.TextField()
    idempotency_key = peewee.TextField()
    fingerprint = DigestField(null=True)

    class Meta:
        """Its table."""

        table_name = "stock_keys"
        primary_key = peewee.CompositeKey("idempotency_key", "actor")


class ImportRow(peewee.Model):
    """How far an import under an idempotency key has come."""

    actor = peewee.TextField()
    idempotency_key = peewee.TextField()
    fingerprint = DigestField()
    mode = peewee.TextField()
    rows = peewee.BigIntegerField()
    applied = peewee.BigIntegerField()
    unchanged = peewee.BigIntegerField()
    refused = peewee.BigIntegerField()
    created = peewee.BigIntegerField()
    after = JsonField()
    created_at = TimeField()
    updated_at = TimeField()

    class Meta:
        """Its table."""

        table_name = "imports"
        primary_key = peewee.CompositeKey("actor", "idempotency_key")


class ImportRefusalRow(peewee.Model):
    """What an import under an idempotency key could not apply."""

    actor = peewee.TextField()
    idempotency_key = peewee.TextField()
    sku = peewee.TextField()
    location = peewee.TextField()
    code = peewee.TextField()
    detail = peewee.TextField()

    class Meta:
        """Its table."""

        table_name = "import_refusals"
        primary_key = peewee.CompositeKey("actor", "idempotency_key", "sku", "location")


class OutboxRow(peewee.Model):
    """An event that is still to be published."""

    event_id = peewee.BigIntegerField(primary_key=True)

    class Meta:
        """Its table."""

        table_name = "outbox"


class LeaseRow(peewee.Model):
    """A right that one process has for a while."""

    name = peewee.TextField(primary_key=True)
    holder = peewee.TextField()
    expires_at = TimeField()

    class Meta:
        """Its table."""

        table_name = "leases"


class WorkerRow(peewee.Model):
    """A worker's sign of life."""

    id = peewee.TextField(primary_key=True)
    started_at = TimeField()
    seen_at = TimeField()
    orders_per_second = peewee.DoubleField()
    settled = peewee.BigIntegerField()

    class Meta:
        """Its table."""

        table_name = "workers"


class ApiKeyRow(peewee.Model):
    """An API key."""

    id = IdField(primary_key=True)
    name = peewee.TextField()
    number = peewee.IntegerField()
    digest = DigestField()
    scopes = ScopesField()
    customer_id = peewee.TextField(null=True)
    created_at = TimeField()
    created_by = peewee.TextField()
    expires_at = TimeField(null=True)
    revoked_at = TimeField(null=True)
    revoked_by = peewee.TextField(null=True)
    last_used_at = TimeField(null=True)

    class Meta:
        """Its table."""

        table_name = "api_keys"
