"""The fields that several documents share, with the bounds of oms_core written down for /openapi.json.

Each is a component of its own there, which is what TypeAliasType makes pydantic do.
Patterns are published only, in the part of ECMA-262 that other dialects share: the core checks characters itself.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field
from typing_extensions import TypeAliasType

from oms_core.documents.orders import whole
from oms_core.domain import limits
from oms_core.domain.characters import NOT_IN_IDENTIFIERS, NOT_IN_PROSE
from oms_core.domain.currencies import CURRENCIES
from oms_core.domain.validation import Findings
from oms_http.schemas.models import checked, identifier, prose
from oms_http.schemas.times import read_time


def _written(characters: str) -> str:
    r"""Spell a character class as JSON Schema's dialects share it: \uXXXX, and what is beyond the BMP as itself.

    Surrogates cannot stand in JSON text, so they are not in it.
    """
    return "".join(each if each == "-" or each > "\uffff" else rf"\u{ord(each):04x}" for each in characters)


_UNSEEN = _written(NOT_IN_IDENTIFIERS)
IDENTIFIER_PATTERN = f"^[^ {_UNSEEN}]([^{_UNSEEN}]*[^ {_UNSEEN}])?$"
NAME_PATTERN = rf"^(?!\.{{1,2}}$)[^ /\ufffd{_UNSEEN}]([^/\ufffd{_UNSEEN}]*[^ /\ufffd{_UNSEEN}])?$"
URL_PATTERN = f"^[Hh][Tt][Tt][Pp][Ss]?://[^ {_UNSEEN}]*$"
PROSE_PATTERN = f"^[^{_written(NOT_IN_PROSE)}]*$"
AMOUNT_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,4})?$"
TIME_PATTERN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"

# JSON has one kind of number: 5.0 is read as 5, which is what JSON Schema's "integer" admits.
_WHOLE = BeforeValidator(whole)


def _refuse_zero(findings: Findings, pointer: str, delta: int) -> None:
    if delta == 0:
        findings.add(pointer, "out_of_range", "must not be 0")


Count = TypeAliasType("Count", Annotated[int, Field(strict=True, ge=0, le=limits.COUNT_MAX), _WHOLE])
Delta = TypeAliasType(
    "Delta",
    Annotated[
        int,
        Field(strict=True, ge=-limits.COUNT_MAX, le=limits.COUNT_MAX, json_schema_extra={"not": {"const": 0}}),
        _WHOLE,
        checked(_refuse_zero),
    ],
)
HoldSeconds = TypeAliasType(
    "HoldSeconds",
    Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=limits.HOLD_SECONDS_MAX,
            description="How long the stock is held until the order is confirmed; 0 holds it for good. The deployment "
            "may allow less.",
        ),
        _WHOLE,
    ],
)

Quantity = TypeAliasType("Quantity", Annotated[int, Field(strict=True, ge=1, le=limits.QUANTITY_MAX), _WHOLE])

Units = TypeAliasType("Units", Annotated[int, Field(strict=True, ge=1, le=limits.COUNT_MAX), _WHOLE])

Sku = TypeAliasType(
    "Sku",
    Annotated[
        str,
        Field(
            min_length=1,
            max_length=limits.SKU_LENGTH_MAX,
            json_schema_extra={"pattern": NAME_PATTERN},
            description="Case-sensitive; in Unicode normal form NFC; no `/`, no space at an end, not `.` or `..`.",
        ),
    ],
)
Location = TypeAliasType(
    "Location",
    Annotated[
        str,
        Field(
            min_length=1,
            max_length=limits.LOCATION_LENGTH_MAX,
            json_schema_extra={"pattern": NAME_PATTERN},
            description="The name of a place that holds stock; the rules are a SKU's.",
        ),
        checked(Findings.location),
    ],
)
CustomerId = TypeAliasType(
    "CustomerId",
    Annotated[
        str,
        Field(
            min_length=1, max_length=limits.CUSTOMER_ID_LENGTH_MAX, json_schema_extra={"pattern": IDENTIFIER_PATTERN}
        ),
        identifier(limits.CUSTOMER_ID_LENGTH_MAX),
    ],
)
Reference = TypeAliasType(
    "Reference",
    Annotated[
        str,
        Field(
            min_length=1,
            max_length=limits.REFERENCE_LENGTH_MAX,
            json_schema_extra={"pattern": IDENTIFIER_PATTERN},
            description="The caller's own number for this.",
        ),
        identifier(limits.REFERENCE_LENGTH_MAX),
    ],
)
Reason = TypeAliasType(
    "Reason",
    Annotated[
        str,
        Field(min_length=1, max_length=limits.REASON_LENGTH_MAX, json_schema_extra={"pattern": PROSE_PATTERN}),
        prose(limits.REASON_LENGTH_MAX),
    ],
)
ProductName = TypeAliasType(
    "ProductName",
    Annotated[
        str,
        Field(max_length=limits.NAME_LENGTH_MAX, json_schema_extra={"pattern": PROSE_PATTERN}),
        prose(limits.NAME_LENGTH_MAX),
    ],
)
IdempotencyKey = TypeAliasType(
    "IdempotencyKey",
    Annotated[
        str,
        Field(
            min_length=1,
            max_length=limits.IDEMPOTENCY_KEY_LENGTH_MAX,
            json_schema_extra={"pattern": IDENTIFIER_PATTERN},
        ),
    ],
)
Currency = TypeAliasType(
    "Currency",
    Annotated[
        str, Field(json_schema_extra={"enum": sorted(CURRENCIES)}, description="An ISO 4217 code.", examples=["EUR"])
    ],
)
MetadataKey = TypeAliasType(
    "MetadataKey",
    Annotated[
        str,
        Field(
            min_length=1, max_length=limits.METADATA_KEY_LENGTH_MAX, json_schema_extra={"pattern": IDENTIFIER_PATTERN}
        ),
    ],
)
MetadataValue = TypeAliasType(
    "MetadataValue",
    Annotated[str, Field(max_length=limits.METADATA_VALUE_LENGTH_MAX, json_schema_extra={"pattern": PROSE_PATTERN})],
)
Metadata = TypeAliasType(
    "Metadata",
    Annotated[
        dict[MetadataKey, MetadataValue],
        Field(
            max_length=limits.METADATA_ENTRIES_MAX,
            json_schema_extra={"propertyNames": {"$ref": "#/components/schemas/MetadataKey"}},
        ),
    ],
)
Amount = TypeAliasType(
    "Amount",
    Annotated[
        str,
        Field(
            json_schema_extra={"pattern": AMOUNT_PATTERN},
            description="An exact decimal string with at most 4 decimals, below 922337203685477.5808; never a number. "
            "A whole amount where the currency has no smaller unit, such as JPY.",
            examples=["12.50"],
        ),
    ],
)
Time = TypeAliasType(
    "Time",
    Annotated[
        str,
        Field(
            json_schema_extra={"format": "date-time", "pattern": TIME_PATTERN},
            description="RFC 3339 in UTC with microseconds.",
            examples=["2026-11-22T21:00:00.000000Z"],
        ),
    ],
)
OrderId = TypeAliasType(
    "OrderId",
    Annotated[
        str,
        Field(
            json_schema_extra={"format": "uuid"},
            description="A UUIDv7.",
            examples=["019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"],
        ),
    ],
)
Cursor = TypeAliasType(
    "Cursor",
    Annotated[
        str, Field(description="Opaque: ask for the next page with it as `cursor`.", examples=["b3JkZXJzOjAxOWFiNGM1"])
    ],
)
GivenTime = TypeAliasType(
    "GivenTime",
    Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            json_schema_extra={"format": "date-time"},
            description="RFC 3339 with an offset.",
            examples=["2027-11-22T21:00:00Z"],
        ),
        checked(read_time),
    ],
)
