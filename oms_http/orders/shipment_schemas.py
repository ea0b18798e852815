"""What is asked for of shipments, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from oms_core.domain import limits
from oms_core.domain.orders.shipments import ShipmentStatus, check_url
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.shipment_commands import SETTABLE_STATUSES
from oms_core.domain.validation import Findings
from oms_http.orders.part_schemas import LINE_OR_SKU, PartRequest, given
from oms_http.schemas.fields import (
    IDENTIFIER_PATTERN,
    PROSE_PATTERN,
    URL_PATTERN,
    Location,
    OrderId,
    Reason,
    Reference,
    Time,
)
from oms_http.schemas.models import Input, Output, checked, identifier, one_of, prose

_TRACKING_EXAMPLE: dict[str, JsonValue] = {"carrier": "DHL", "tracking_number": "00340434161094042557"}
SHIPMENT_EXAMPLE: dict[str, JsonValue] = {
    "id": "5f0d2f5c-6a1b-5f55-9c39-1f0d8a8a6a4e",
    "order_id": "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10",
    "shipment_no": 1,
    "status": "shipped",
    "location": "main",
    "lines": [{"line_no": 1, "sku": "WIDGET", "quantity": 2}],
    **_TRACKING_EXAMPLE,
    "tracking_url": None,
    "reference": None,
    "created_at": "2026-11-22T21:00:00.000000Z",
    "updated_at": "2026-11-22T21:00:00.000000Z",
    "delivered_at": None,
    "order_status": "shipped",
    "order_version": 2,
}

_TRACKING = ("carrier", "tracking_number", "tracking_url")

Carrier = Annotated[
    str,
    Field(min_length=1, max_length=limits.CARRIER_LENGTH_MAX, json_schema_extra={"pattern": PROSE_PATTERN}),
    prose(limits.CARRIER_LENGTH_MAX),
]
TrackingNumber = Annotated[
    str,
    Field(
        min_length=1,
        max_length=limits.TRACKING_NUMBER_LENGTH_MAX,
        json_schema_extra={"pattern": IDENTIFIER_PATTERN},
    ),
    identifier(limits.TRACKING_NUMBER_LENGTH_MAX),
]
Settable = Annotated[
    str,
    Field(json_schema_extra={"enum": [status.value for status in SETTABLE_STATUSES]}),
    one_of([status.value for status in SETTABLE_STATUSES], "unknown_status"),
]
TrackingUrl = Annotated[
    str,
    Field(
        min_length=1,
        max_length=limits.TRACKING_URL_LENGTH_MAX,
        json_schema_extra={"pattern": URL_PATTERN},
        description="Of https or http.",
    ),
    checked(check_url),
]


_NAMED: list[JsonDict] = [given(name, "string", "null") for name in _TRACKING]


class ShipmentLineRequest(PartRequest):
    """Units of a line, or of the lines of a SKU, the first before the others: one of `line_no` and `sku` is given.

    The other one is left out, or null.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"line_no": 1, "quantity": 2}],
            "oneOf": [*LINE_OR_SKU],
        }
    )


class ShipmentRequest(Input):
    """What leaves: units of `lines` (without them, all that is reserved there) from a location.

    The location may be left out where all of them are at one.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lines": [{"line_no": 1, "quantity": 1}], **_TRACKING_EXAMPLE}, {}]}
    )

    location: Location | None = None
    lines: Annotated[list[ShipmentLineRequest] | None, Field(min_length=1, max_length=limits.ORDER_LINES_MAX)] = None
    carrier: Carrier | None = None
    tracking_number: TrackingNumber | None = None
    tracking_url: TrackingUrl | None = None
    reference: Reference | None = None


class ShipmentUpdateRequest(Input):
    """How a shipment travels, or that it was delivered. What is not given stays; null clears."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"status": "delivered"}],
            "anyOf": [given("status", "string"), *_NAMED],
        }
    )

    status: Settable | None = None
    carrier: Carrier | None = None
    tracking_number: TrackingNumber | None = None
    tracking_url: TrackingUrl | None = None

    @classmethod
    def check_together(cls, findings: Findings, document: Mapping[str, object]) -> None:
        """Note a document that asks for nothing."""
        if document.get("status") is None and document.keys().isdisjoint(_TRACKING):
            findings.add("", "required", "must give a status, or how the shipment travels")


class ShipmentCancelRequest(Input):
    """Why a shipment is taken back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "broken in the yard"}, {}]})

    reason: Reason | None = None


class ShippedLine(Output):
    """What a shipment took of a line."""

    line_no: Annotated[int, Field(ge=1)]
    sku: str
    quantity: Annotated[int, Field(ge=1)]


class Shipment(Output):
    """What left one location together. `id` stands as `act_id` in its rows of the ledger.

    `lines` say what it took, also where it was cancelled since. The status and version are the order's as it is now.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [SHIPMENT_EXAMPLE]})

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    order_id: OrderId
    shipment_no: Annotated[int, Field(ge=1)]
    status: ShipmentStatus
    location: str
    lines: list[ShippedLine]
    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    reference: str | None
    created_at: Time
    updated_at: Time
    delivered_at: Time | None
    order_status: OrderStatus
    order_version: Annotated[int, Field(ge=1)]


class ShipmentList(Output):
    """All shipments of an order, by number."""

    items: list[Shipment]
