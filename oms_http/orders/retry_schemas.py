"""Orders that are to be placed again, as requests and answers."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from oms_core.documents.orders import whole
from oms_core.domain import limits
from oms_core.domain.orders.queueing import RETRIABLE as CAN_BE_RETRIED
from oms_core.domain.orders.statuses import OrderStatus
from oms_http.schemas.fields import IDENTIFIER_PATTERN, CustomerId, Reason
from oms_http.schemas.models import Input, Output, identifier, one_of

RETRIABLE = MappingProxyType({status.value: status for status in OrderStatus if status in CAN_BE_RETRIED})


class RetryRequest(Input):
    """A rejected, failed or expired order is to be placed again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"reason": "new stock has arrived"}]})

    reason: Reason | None = None


class RetriesRequest(Input):
    """Orders that were given up are to be placed again: the newest `limit` of those that fit all that is given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"status": ["rejected"], "failure_code": "insufficient_inventory", "sku": "WIDGET"}]
        }
    )

    status: Annotated[
        list[Annotated[str, Field(json_schema_extra={"enum": [*RETRIABLE]}), one_of(RETRIABLE, "unknown_status")]]
        | None,
        Field(min_length=1, max_length=3, description="Without it: rejected and failed."),
    ] = None
    failure_code: Annotated[
        str | None,
        Field(
            min_length=1, max_length=limits.FAILURE_CODE_LENGTH_MAX, json_schema_extra={"pattern": IDENTIFIER_PATTERN}
        ),
        identifier(limits.FAILURE_CODE_LENGTH_MAX),
    ] = None
    customer_id: CustomerId | None = None
    sku: Annotated[
        str | None,
        Field(min_length=1, max_length=limits.SKU_LENGTH_MAX, json_schema_extra={"pattern": IDENTIFIER_PATTERN}),
        identifier(limits.SKU_LENGTH_MAX),
    ] = None
    reason: Reason | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=limits.RETRY_ORDERS_MAX), BeforeValidator(whole)] = (
        limits.RETRY_ORDERS_MAX
    )


class RetryReport(Output):
    """How many orders were queued again, how many could not be (they changed meanwhile), and whether more may fit."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"retried": 41, "refused": 0, "more": False}]})

    retried: Annotated[int, Field(ge=0)]
    refused: Annotated[int, Field(ge=0)]
    more: bool
