"""Errors as answers (RFC 9457)."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from oms_core.domain.callers import Scope
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import Retry
from oms_http.schemas.fields import OrderId
from oms_http.schemas.models import Output

_SHORTAGE_EXAMPLE: JsonDict = {"sku": "WIDGET", "requested": 30, "available": 21}


class FieldError(Output):
    """One wrong value: `pointer` is a JSON Pointer (RFC 6901) into the body, or names a parameter or header."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"pointer": "/lines/0/quantity", "code": "out_of_range", "detail": "must be at least 1"}]
        }
    )

    pointer: str
    code: str
    detail: str


class Shortage(Output):
    """A product that an order asks too much of."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SHORTAGE_EXAMPLE]})

    sku: str
    requested: int
    available: int


class Refusal(Output):
    """Why one order of several was not placed or moved: a problem's members, with the case's figures."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "insufficient_inventory",
                    "detail": "WIDGET: 30 requested, 21 available",
                    "retry": "after_change",
                    "shortages": [_SHORTAGE_EXAMPLE],
                }
            ]
        }
    )

    code: str
    detail: str
    retry: Retry
    errors: tuple[FieldError, ...] = ()
    shortages: tuple[Shortage, ...] = ()
    current: Annotated[OrderStatus | None, Field(description="The status that kept it from being moved.")] = None
    allowed: Annotated[tuple[OrderStatus, ...], Field(description="Where it may be moved from there.")] = ()
    order_ids: Annotated[tuple[OrderId, ...], Field(description="What to look up, when the outcome is unknown.")] = ()
    scope: Annotated[Scope | None, Field(description="The scope that the caller lacks.")] = None
    order_id: Annotated[OrderId | None, Field(description="The id under which a defect was logged.")] = None


class RefusedOutcome(Output):
    """This order was not placed or moved; `status` is what it would have been answered with alone."""

    status: Annotated[int, Field(ge=400, le=599)]
    error: Refusal
