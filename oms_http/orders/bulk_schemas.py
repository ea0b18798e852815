"""What a move of many orders takes and answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from oms_core.domain import limits
from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.validation import Findings
from oms_http.schemas.fields import OrderId, Reason
from oms_http.schemas.models import Input, Output, checked, one_of
from oms_http.schemas.problems import RefusedOutcome

_ID = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"


def _check_id(findings: Findings, pointer: str, text: str) -> None:
    try:
        parse_uuid(text)
    except ValueError as error:
        findings.add(pointer, "wrong_type", str(error))


class StatusesRequest(Input):
    """A move of many orders to another status; the status is read in any case. An id given twice is one order."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ids": [_ID], "status": "cancelled", "reason": "recall"}]}
    )

    ids: Annotated[
        list[Annotated[str, Field(json_schema_extra={"format": "uuid"}), checked(_check_id)]],
        Field(min_length=1, max_length=limits.BATCH_ORDERS_MAX),
    ]
    status: Annotated[
        str,
        Field(json_schema_extra={"enum": [status.value for status in OrderStatus]}),
        one_of([status.value for status in OrderStatus], "unknown_status"),
    ]
    reason: Reason | None = None


class MovedOutcome(Output):
    """This order has the status now; it was moved, or had it already."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": _ID, "status": 200, "order_status": "cancelled", "version": 2}]}
    )

    id: OrderId
    status: Literal[200]
    order_status: OrderStatus
    version: Annotated[int, Field(ge=1)]


class UnmovedOutcome(RefusedOutcome):
    """This order was not moved; `status` is what it would have been answered with alone."""

    id: OrderId


class StatusesAnswer(Output):
    """One outcome per id, in the order of the request."""

    outcomes: list[MovedOutcome | UnmovedOutcome]
