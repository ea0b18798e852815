"""Bad input by name, with what every driver must answer: one table for the tests of the core, HTTP and the CLI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.texts import BAD_NAMES, BAD_PROSE, BAD_TEXTS

VALIDATION = "validation_error"
MALFORMED = "malformed_json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadInput:
    """A document that is refused: its bytes, the error's code, and the JSON Pointer of the first finding, if any.

    Everything else about the document is right, so it is refused for the reason that `name` gives or not at all.
    """

    name: str
    body: bytes
    code: str
    pointer: str | None

    def __str__(self) -> str:
        return self.name


def _refused(name: str, document: object, pointer: str) -> BadInput:
    return BadInput(name=name, body=json.dumps(document).encode(), code=VALIDATION, pointer=pointer)


def _malformed(name: str, body: bytes) -> BadInput:
    return BadInput(name=name, body=body, code=MALFORMED, pointer=None)


def _order(**changes: object) -> dict[str, object]:
    order: dict[str, object] = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}
    return {name: value for name, value in (order | changes).items() if value is not ...}


def _line(**changes: object) -> dict[str, object]:
    line: dict[str, object] = {"sku": "WIDGET", "quantity": 1}
    return _order(lines=[{name: value for name, value in (line | changes).items() if value is not ...}])


def _with(member: bytes) -> bytes:
    """Give an order that has one more member, written as it stands."""
    return b'{"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}], ' + member + b"}"


def _with_quantity(number: bytes) -> bytes:
    return b'{"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": ' + number + b"}]}"


# JSON values that are no count of units (0 to 10^12), as they stand in a document.
BAD_COUNTS: Mapping[str, bytes] = {
    "a text": b'"5"',
    "true": b"true",
    "false": b"false",
    "a fraction": b"1.5",
    "a list": b"[1]",
    "an object": b"{}",
    "a negative number": b"-1",
    "more than 10^12": b"1000000000001",
    "more than int8": b"9223372036854775808",
    "40 digits": b"9" * 40,
    "1e300": b"1e300",
}

_BAD_QUANTITIES: Mapping[str, object] = {
    "a text": "5",
    "true": True,
    "null": None,
    "a fraction": 1.5,
    "a list": [1],
    "zero": 0,
    "minus zero": -0.0,
    "a negative number": -1,
    "more than 1,000,000": 1_000_001,
    "more than int8": 2**63,
    "a float beyond every integer": 1e300,
}

_BAD_PRICES: Mapping[str, object] = {
    "a number": 12.5,
    "a whole number": 12,
    "true": True,
    "an empty text": "",
    "five decimals": "1.00001",
    "a negative amount": "-1",
    "a plus sign": "+1",
    "an exponent": "1e3",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "a comma": "1,50",
    "a space": " 1",
    "Arabic digits": "\u0661",
    "more than int8 ten-thousandths": "922337203685477.5808",
    "16 digits": "1000000000000000",
}

_UNREADABLE: Mapping[str, bytes] = {
    "nothing": b"",
    "a half document": b'{"customer_id": "C1", "lines": [',
    "two documents": b"{} {}",
    "a trailing comma": _with(b'"reference": "R",'),
    "single quotes": b"{'customer_id': 'C1'}",
    "a comment": _with(b'"reference": "R" // why'),
    "bad UTF-8": _with(b'"reference": "\xff"'),
    "UTF-16": '{"customer_id": "C1"}'.encode("utf-16"),
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "a surrogate in UTF-8": _with(b'"reference": "\xed\xa0\x80"'),
    "a raw control character": _with(b'"reference": "A\x07"'),
    "NaN": _with_quantity(b"NaN"),
    "Infinity": _with_quantity(b"Infinity"),
    "minus Infinity": _with_quantity(b"-Infinity"),
    "1e400": _with_quantity(b"1e400"),
    "41 digits": _with_quantity(b"9" * 41),
    "10,000 digits": _with_quantity(b"9" * 10_000),
    "10,000 decimals": _with_quantity(b"0." + b"9" * 10_000),
    "a leading zero": _with_quantity(b"01"),
    "a duplicate key": _with(b'"customer_id": "C2"'),
    "a duplicate key in a line": b'{"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1, "quantity": 2}]}',
    "a depth of 33": b"[" * 33 + b"]" * 33,
    "a depth of 100,000": b"[" * 100_000 + b"]" * 100_000,
    "a deep member": _with(b'"metadata": ' + b'{"a":' * 40 + b"1" + b"}" * 40),
}

BAD_ORDERS: tuple[BadInput, ...] = (
    *(_malformed(f"JSON with {name}", body) for name, body in _UNREADABLE.items()),
    _refused("null", None, ""),
    _refused("a number", 5, ""),
    _refused("a text", "order", ""),
    _refused("a list", [], ""),
    _refused("an empty object", {}, "/customer_id"),
    _refused("an unknown field", _order(colour="red"), "/colour"),
    _refused("an unknown field with a lone surrogate", _order(**{"\ud800": 1}), "/\\ud800"),
    _refused("a field in other case", _order(Currency="EUR"), "/Currency"),
    _refused("no customer", _order(customer_id=...), "/customer_id"),
    _refused("a customer that is null", _order(customer_id=None), "/customer_id"),
    _refused("a customer that is a number", _order(customer_id=7), "/customer_id"),
    _refused("an empty customer", _order(customer_id=""), "/customer_id"),
    _refused("a customer of 129 characters", _order(customer_id="C" * 129), "/customer_id"),
    *(
        _refused(f"a customer with {name}", _order(customer_id=text), "/customer_id")
        for name, text in BAD_TEXTS.items()
    ),
    _refused("an unknown currency", _order(currency="EUX"), "/currency"),
    _refused("a currency in small letters", _order(currency="eur"), "/currency"),
    _refused("a currency that is a number", _order(currency=978), "/currency"),
    _refused("a currency that is a list", _order(currency=["EUR"]), "/currency"),
    _refused("an empty reference", _order(reference=""), "/reference"),
    _refused("a reference that is a number", _order(reference=1), "/reference"),
    _refused("a reference of 129 characters", _order(reference="R" * 129), "/reference"),
    _refused("metadata that is a list", _order(metadata=["a"]), "/metadata"),
    _refused("metadata that is a text", _order(metadata="a"), "/metadata"),
    _refused("51 entries of metadata", _order(metadata={f"k{n}": "v" for n in range(51)}), "/metadata"),
    _refused("metadata with an empty key", _order(metadata={"": "v"}), "/metadata"),
    _refused("metadata with a key of 65 characters", _order(metadata={"k" * 65: "v"}), "/metadata"),
    _refused("metadata with a number", _order(metadata={"a/b~c": 1}), "/metadata/a~1b~0c"),
    _refused("metadata with null", _order(metadata={"a": None}), "/metadata/a"),
    _refused("metadata with an object", _order(metadata={"a": {}}), "/metadata/a"),
    _refused("metadata with a value of 501 characters", _order(metadata={"a": "v" * 501}), "/metadata/a"),
    *(
        _refused(f"metadata with {name}", _order(metadata={"a": text}), "/metadata/a")
        for name, text in BAD_PROSE.items()
    ),
    *(_refused(f"a reference with {name}", _order(reference=text), "/reference") for name, text in BAD_TEXTS.items()),
    *(
        _refused(f"metadata with {name} in a key", _order(metadata={text: "v"}), "/metadata")
        for name, text in BAD_TEXTS.items()
    ),
    _refused("no lines", _order(lines=...), "/lines"),
    _refused("lines that are null", _order(lines=None), "/lines"),
    _refused("lines that are an object", _order(lines={"sku": "WIDGET", "quantity": 1}), "/lines"),
    _refused("lines that are a text", _order(lines="WIDGET"), "/lines"),
    _refused("an empty order", _order(lines=[]), "/lines"),
    _refused("2,001 lines", _order(lines=[{"sku": "WIDGET", "quantity": 1}] * 2_001), "/lines"),
    _refused("100,000 lines that are none", _order(lines=[0] * 100_000), "/lines"),
    _refused("a line that is a text", _order(lines=["WIDGET"]), "/lines/0"),
    _refused("a line that is null", _order(lines=[None]), "/lines/0"),
    _refused("a line with an unknown field", _line(price="1.00"), "/lines/0/price"),
    _refused("a line without a SKU", _line(sku=...), "/lines/0/sku"),
    _refused("a line without a quantity", _line(quantity=...), "/lines/0/quantity"),
    _refused("a SKU that is a number", _line(sku=4711), "/lines/0/sku"),
    _refused("a SKU that is null", _line(sku=None), "/lines/0/sku"),
    *(_refused(f"a SKU with {name}", _line(sku=text), "/lines/0/sku") for name, text in BAD_NAMES.items()),
    *(
        _refused(f"a quantity that is {name}", _line(quantity=value), "/lines/0/quantity")
        for name, value in _BAD_QUANTITIES.items()
    ),
    *(
        _refused(f"a price that is {name}", _line(unit_price=value), "/lines/0/unit_price")
        for name, value in _BAD_PRICES.items()
    ),
)

# Documents of PUT /v1/inventory/{sku}.
BAD_STOCK_SETS: tuple[BadInput, ...] = (
    *(
        BadInput(
            name=f"a count that is {name}", body=b'{"on_hand": ' + number + b"}", code=VALIDATION, pointer="/on_hand"
        )
        for name, number in BAD_COUNTS.items()
    ),
    *(
        BadInput(
            name=f"a threshold that is {name}",
            body=b'{"low_stock_threshold": ' + number + b"}",
            code=VALIDATION,
            pointer="/low_stock_threshold",
        )
        for name, number in BAD_COUNTS.items()
    ),
    *(
        _refused(f"a location with {name}", {"on_hand": 1, "location": text}, "/location")
        for name, text in BAD_NAMES.items()
    ),
    _refused("an expectation without a count", {"expected_on_hand": 1}, "/expected_on_hand"),
    _refused("an expectation below 0", {"on_hand": 1, "expected_on_hand": -1}, "/expected_on_hand"),
    _refused("a name of 257 characters", {"name": "N" * 257}, "/name"),
    *(_refused(f"a name with {name}", {"name": text}, "/name") for name, text in BAD_PROSE.items()),
    *(_refused(f"a reason with {name}", {"on_hand": 1, "reason": text}, "/reason") for name, text in BAD_PROSE.items()),
    _refused("a name that is a number", {"name": 1}, "/name"),
    _refused("an empty reason", {"on_hand": 1, "reason": ""}, "/reason"),
    _refused("a reason of 501 characters", {"on_hand": 1, "reason": "R" * 501}, "/reason"),
    _refused("a reference with a zero-width space", {"on_hand": 1, "reference": "A\u200b"}, "/reference"),
)

# Documents of POST /v1/inventory/{sku}/adjustments.
BAD_ADJUSTMENTS: tuple[BadInput, ...] = (
    _refused("a delta of 0", {"delta": 0, "reason": "counted"}, "/delta"),
    _refused("a delta that is true", {"delta": True, "reason": "counted"}, "/delta"),
    _refused("a delta that is a text", {"delta": "1", "reason": "counted"}, "/delta"),
    _refused("a delta that is a fraction", {"delta": 0.5, "reason": "counted"}, "/delta"),
    _refused("a delta beyond 10^12", {"delta": 10**12 + 1, "reason": "counted"}, "/delta"),
    _refused("a delta below -10^12", {"delta": -(10**12) - 1, "reason": "counted"}, "/delta"),
    _refused("an empty reason", {"delta": 1, "reason": ""}, "/reason"),
    _refused("a reason that is null", {"delta": 1, "reason": None}, "/reason"),
    _refused("a reason with a bell", {"delta": 1, "reason": "a\x07b"}, "/reason"),
    _refused("a location that is a number", {"delta": 1, "reason": "counted", "location": 1}, "/location"),
)
