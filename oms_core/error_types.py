"""The types of errors, for programs that are type-checked: every code, and the figures that a code's errors carry."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

Code: TypeAlias = Literal[
    "validation_error",
    "malformed_json",
    "payload_too_large",
    "uri_too_long",
    "unsupported_media_type",
    "request_timeout",
    "method_not_allowed",
    "unknown_sku",
    "total_too_large",
    "idempotency_key_reused",
    "unauthenticated",
    "forbidden",
    "order_not_found",
    "order_archived",
    "shipment_not_found",
    "return_not_found",
    "sku_not_found",
    "key_not_found",
    "location_not_found",
    "route_not_found",
    "insufficient_inventory",
    "invalid_transition",
    "not_settled",
    "hold_expired",
    "already_confirmed",
    "payment_reference_in_use",
    "extension_limit",
    "location_required",
    "not_shippable",
    "exceeds_reserved",
    "shipment_cancelled",
    "shipment_delivered",
    "shipment_returned",
    "exceeds_shipped",
    "below_shipped",
    "empty_order",
    "return_limit",
    "shipment_limit",
    "version_mismatch",
    "product_in_use",
    "stock_below_reserved",
    "stock_count_mismatch",
    "stock_limit",
    "key_name_taken",
    "idempotency_key_in_use",
    "rate_limited",
    "concurrency_limited",
    "overloaded",
    "stopping",
    "storage_unavailable",
    "storage_unusable",
    "queue_unavailable",
    "outcome_unknown",
    "schema_outdated",
    "invalid_setting",
    "internal_error",
]


class ShortageFigures(TypedDict):
    """A product that an order asks too much of."""

    sku: str
    requested: int
    available: int


class InsufficientInventory(TypedDict):
    """What an order asked too much of; `order_id` where it was accepted before and stays."""

    shortages: list[ShortageFigures]
    order_id: NotRequired[str]


class InvalidTransition(TypedDict):
    """An order's status, and those that this caller may move it to."""

    current: str
    allowed: list[str]


class VersionMismatch(TypedDict, total=False):
    """The present version of an order, or revision of a product (None: it is not there)."""

    version: int
    revision: str | None


class OrderArchived(TypedDict):
    """The order that the key stands for."""

    order_id: str


class ExtensionLimit(TypedDict):
    """How often a hold was extended, how often it may be, and when it ends."""

    extensions: int
    extensions_max: int
    hold_until: str


class LocationRequired(TypedDict):
    """The locations that may be meant; none where there is none of the kind."""

    locations: list[str]


class UnshippableFigures(TypedDict):
    """Units of a line at a location that does not ship."""

    line_no: int
    sku: str
    location: str
    quantity: int


class NotShippable(TypedDict):
    """The lines that lie where nothing ships."""

    lines: list[UnshippableFigures]


class ReservedFigures(TypedDict):
    """A line, or (None) the lines of a SKU, of which more is to be shipped than is reserved at the location."""

    line_no: int | None
    sku: str
    requested: int
    reserved: int


class ExceedsReserved(TypedDict):
    """The location, if one was given or found, and the lines of which it holds too little (none: it has nothing)."""

    location: str | None
    lines: list[ReservedFigures]


class ShippedFigures(TypedDict):
    """A line, or (None) the lines of a SKU, of which more is to come back than is still out."""

    line_no: int | None
    sku: str
    requested: int
    shipped: int
    returned: int


class ExceedsShipped(TypedDict):
    """The lines of which too little is still out (none: nothing of the order is)."""

    lines: list[ShippedFigures]


class LoweredFigures(TypedDict):
    """A line that is to have fewer units than were shipped of it."""

    line_no: int
    sku: str
    requested: int
    shipped: int


class BelowShipped(TypedDict):
    """The lines of which more was shipped."""

    lines: list[LoweredFigures]


class ReturnLimit(TypedDict):
    """How many returns an order may have."""

    returns_max: int


class ReturnedFigures(TypedDict):
    """A line of which more has come back than would be shipped."""

    line_no: int
    shipped: int
    returned: int


class ShipmentReturned(TypedDict):
    """The lines of which units have come back."""

    lines: list[ReturnedFigures]


class ShipmentLimit(TypedDict):
    """How many shipments an order may have, cancelled ones included."""

    shipments_max: int


class StockLimit(TypedDict):
    """The count that there would be of a level, and the highest that there may be."""

    sku: str
    location: str
    on_hand: int
    on_hand_max: int


class StockBelowReserved(TypedDict):
    """The count that there would be, and the units that open orders hold."""

    on_hand: int
    reserved: int


class StockCountMismatch(TypedDict):
    """The present count, and the one that was expected."""

    on_hand: int
    expected_on_hand: int


class RateLimited(TypedDict):
    """The limit: `limit` units in `window_seconds`, under `policy`."""

    policy: str
    limit: int
    window_seconds: int


class OutcomeUnknown(TypedDict, total=False):
    """What to look up: orders, a product, an API key by name, or an import by its key and how far it had come."""

    order_ids: list[str]
    sku: str
    name: str
    idempotency_key: str
    applied: int
    unchanged: int
    placed: int
    replayed: int
    refused: int
