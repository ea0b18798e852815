"""How requests name parts of an order: so many units of a line, or of the lines of a SKU."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic.config import JsonDict

from oms_core.documents.orders import whole
from oms_core.domain import limits
from oms_core.domain.validation import Findings
from oms_http.schemas.fields import Quantity, Sku
from oms_http.schemas.models import Input, checked

LineNo = Annotated[int, Field(strict=True, ge=1, le=limits.ORDER_LINES_MAX), BeforeValidator(whole)]


def given(name: str, *kinds: str) -> JsonDict:
    """Return the schema of a document that has this member, of one of these types."""
    return {"required": [name], "properties": {name: {"type": kinds[0] if len(kinds) == 1 else [*kinds]}}}


# The alternatives of a part: a line, or a SKU.
LINE_OR_SKU: list[JsonDict] = [given("line_no", "integer"), given("sku", "string")]


class PartRequest(Input):
    """Units of a line, or of the lines of a SKU."""

    quantity: Quantity
    line_no: LineNo | None = None
    sku: Annotated[Sku | None, checked(Findings.sku)] = None
