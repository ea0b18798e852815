"""What is asked for of returns, and how they are shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from oms_core.domain import limits
from oms_core.domain.orders.returns import SHELVED, Disposition
from oms_core.domain.orders.statuses import OrderStatus
from oms_http.orders.part_schemas import LINE_OR_SKU, PartRequest
from oms_http.schemas.fields import Location, OrderId, Reason, Reference, Time
from oms_http.schemas.models import Input, Output, one_of

_NAMES = [disposition.value for disposition in Disposition]
# What is in none of these dispositions lies nowhere.
_NOWHERE = [disposition.value for disposition in Disposition if disposition not in SHELVED]

RETURN_EXAMPLE: dict[str, JsonValue] = {
    "id": "9a3c6c1e-52a7-5d0b-8f5e-6a0a2b1d7c44",
    "order_id": "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10",
    "return_no": 1,
    "lines": [
        {
            "line_no": 1,
            "sku": "WIDGET",
            "quantity": 1,
            "disposition": "restock",
            "shipped_from": "main",
            "location": "main",
        }
    ],
    "reference": "RMA-17",
    "reason": "did not fit",
    "created_at": "2026-11-22T21:00:00.000000Z",
    "order_status": "partly_returned",
    "order_version": 3,
}


class ReturnLineRequest(PartRequest):
    """Units of a line, or of the lines of a SKU, the first before the others: one of `line_no` and `sku` is given.

    The other one is left out, or null.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"line_no": 1, "quantity": 1, "disposition": "restock"}],
            "oneOf": [*LINE_OR_SKU],
            "not": {
                "required": ["disposition", "location"],
                "properties": {"disposition": {"enum": [*_NOWHERE]}, "location": {"type": "string"}},
            },
        }
    )

    disposition: Annotated[
        str | None,
        Field(
            json_schema_extra={"enum": [*_NAMES, None]},
            description="What becomes of the units; they are restocked where it is not given. Those restocked or in "
            "quarantine are on hand again. Those discarded are not, and those missing never came.",
        ),
        one_of(_NAMES, "unknown_disposition"),
    ] = None
    location: Annotated[
        Location | None,
        Field(
            description="Where the units go. Without it, restocked ones go back to where they were shipped from, and "
            "those in quarantine to the only location of that kind. Not for what is discarded or missing."
        ),
    ] = None


class ReturnRequest(Input):
    """What comes back: units of `lines`; without them, all that is still out, to be restocked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"lines": [{"line_no": 1, "quantity": 1}], "reference": "RMA-17", "reason": "did not fit"},
                {},
            ]
        }
    )

    lines: Annotated[list[ReturnLineRequest] | None, Field(min_length=1, max_length=limits.ORDER_LINES_MAX)] = None
    reference: Reference | None = None
    reason: Reason | None = None


class ReturnedLine(Output):
    """What came back of a line: where it had been shipped from, and where it went (null: on no shelf)."""

    line_no: Annotated[int, Field(ge=1)]
    sku: str
    quantity: Annotated[int, Field(ge=1)]
    disposition: Disposition
    shipped_from: str
    location: str | None


class OrderReturn(Output):
    """What came back of an order. `id` stands as `act_id` in its rows of the ledger.

    The status and version are the order's as it is now.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [RETURN_EXAMPLE]})

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    order_id: OrderId
    return_no: Annotated[int, Field(ge=1)]
    lines: list[ReturnedLine]
    reference: str | None
    reason: str | None
    created_at: Time
    order_status: OrderStatus
    order_version: Annotated[int, Field(ge=1)]


class ReturnList(Output):
    """All returns of an order, by number."""

    items: list[OrderReturn]
