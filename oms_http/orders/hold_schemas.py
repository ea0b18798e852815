"""What is asked for of held orders."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from oms_core.documents.orders import whole
from oms_core.domain import limits
from oms_http.schemas.fields import IDENTIFIER_PATTERN
from oms_http.schemas.models import Input, identifier


class ConfirmRequest(Input):
    """A held order is to be placed for good. The payment reference, if any, then belongs to it alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"payment_reference": "pay-4711"}, {}]})

    payment_reference: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=limits.PAYMENT_REFERENCE_LENGTH_MAX,
            json_schema_extra={"pattern": IDENTIFIER_PATTERN},
        ),
        identifier(limits.PAYMENT_REFERENCE_LENGTH_MAX),
    ] = None


class ExtendRequest(Input):
    """A hold is to end no earlier than so many seconds from now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"seconds": 600}]})

    seconds: Annotated[int, Field(strict=True, ge=1, le=limits.HOLD_SECONDS_MAX), BeforeValidator(whole)]
