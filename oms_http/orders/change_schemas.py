"""What is asked for of orders that are there: other quantities, further lines, another reference, other metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from oms_core.documents.orders import whole
from oms_core.domain import limits
from oms_core.domain.money import parse_money
from oms_core.domain.orders.details import check_metadata
from oms_core.domain.validation import Findings
from oms_http.orders.part_schemas import LineNo
from oms_http.schemas.fields import Amount, Reason, Reference, Sku
from oms_http.schemas.models import Input, checked

_COMPONENTS = "#/components/schemas/"
_NOT_GIVEN: JsonDict = {"type": "null"}
_OF_LINE: JsonDict = {
    "required": ["line_no"],
    "properties": {"line_no": {"type": "integer"}, "sku": _NOT_GIVEN, "unit_price": _NOT_GIVEN},
}
_FURTHER: JsonDict = {
    "required": ["sku"],
    "properties": {"sku": {"type": "string"}, "line_no": _NOT_GIVEN, "quantity": {"type": "integer", "minimum": 1}},
}
_METADATA: JsonDict = {
    "type": "object",
    "additionalProperties": {"anyOf": [{"$ref": f"{_COMPONENTS}MetadataValue"}, {"type": "null"}]},
    "propertyNames": {"$ref": f"{_COMPONENTS}MetadataKey"},
    "maxProperties": limits.METADATA_ENTRIES_MAX,
    "description": "An entry of null is removed; those that are not named stay.",
}


def _check_amount(findings: Findings, pointer: str, text: str) -> None:
    try:
        parse_money(text)
    except ValueError as error:
        findings.add(pointer, "bad_amount", str(error))


class LineChangeRequest(Input):
    """The quantity that a line is to have (`line_no`; 0 removes it), or a further line (`sku`, at least 1).

    One of `line_no` and `sku` is given; the other one is left out, or null. A price is for a further line.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"line_no": 1, "quantity": 3}, {"sku": "WIDGET", "quantity": 1, "unit_price": "12.50"}],
            "oneOf": [_OF_LINE, _FURTHER],
        }
    )

    quantity: Annotated[int, Field(strict=True, ge=0, le=limits.QUANTITY_MAX), BeforeValidator(whole)]
    line_no: LineNo | None = None
    sku: Annotated[Sku | None, checked(Findings.sku)] = None
    unit_price: Annotated[Amount | None, checked(_check_amount)] = None


class LineChangesRequest(Input):
    """Other quantities, and further lines: all of these or none. What is not named stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"lines": [{"line_no": 1, "quantity": 3}], "reason": "one more"},
                {"lines": [{"sku": "WIDGET", "quantity": 1, "unit_price": "12.50"}]},
            ]
        }
    )

    lines: Annotated[list[LineChangeRequest], Field(min_length=1, max_length=limits.ORDER_LINES_MAX)]
    reason: Reason | None = None


class OrderUpdateRequest(Input):
    """Another reference (null clears it), other metadata. What is not given stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reference": "WEB-4712", "metadata": {"channel": None, "gift": "yes"}}, {"reference": None}]
        }
    )

    reference: Reference | None = None
    # The core checks it, with the rules of placing an order.
    metadata: Annotated[object, WithJsonSchema(_METADATA)] = None

    @classmethod
    def check_together(cls, findings: Findings, document: Mapping[str, object]) -> None:
        """Note what is wrong with the metadata."""
        found = document.get("metadata", {})
        if isinstance(found, Mapping):
            found = {name: "" if text is None else text for name, text in found.items()}
        check_metadata(findings, found)
