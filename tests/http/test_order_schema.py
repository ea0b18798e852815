"""The published schema of an order and the decoder that every driver reads it with accept the same documents."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oms_core import OmsError
from oms_core.documents.json_text import parse_json
from oms_core.documents.orders import read_keyed_order, read_order
from oms_core.domain import limits
from oms_core.domain.currencies import CURRENCIES, decimals_of
from oms_core.domain.money import parse_money
from oms_http.openapi.document import openapi_document
from oms_http.operations import operations_of
from oms_http.settings import HttpSettings

COMPONENTS = openapi_document(operations_of(HttpSettings()))["components"]

# Characters that this Python's Unicode and the validator's know alike; surrogates cannot stand in JSON text.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cn"])
# Those that the rules are about, so that they come up often.
TELLING = st.sampled_from(
    list("Aa0 /.\u00a0\u2003\t\n\x00\x7f\x85\u200b\u2028\u00ad\ufeff\u200d\ufe0f\u3164\u2800\u3000\r\x1bé\u0301😀")
)
TEXTS = st.text(CHARACTERS | TELLING, max_size=8)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def schema_of(name: str) -> jsonschema_rs.Draft202012Validator:
    """Compile a schema of the document; its figures of speech about formats count too."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


ORDER = schema_of("OrderRequest")
KEYED_ORDER = schema_of("KeyedOrderRequest")


def texts(longest: int) -> st.SearchStrategy[str]:
    """Texts around the bounds, most of them harmless."""
    edges = st.sampled_from(["", "x" * longest, "x" * (longest + 1), "é" * longest, "😀" * (longest + 1)])
    return st.text("abcXYZ019-_ é", min_size=1, max_size=12) | TEXTS | edges


NAMES = st.text("ABCxyz019-_%é😀", min_size=1, max_size=limits.SKU_LENGTH_MAX)
PLAIN = st.text("ABCxyz019 -_.%/é😀", min_size=1, max_size=limits.REFERENCE_LENGTH_MAX).filter(
    lambda text: text == text.strip(" ")
)
PROSE = st.text("ABC é😀\u200d\ufe0f\u3164\u202e\t\r\n", max_size=limits.METADATA_VALUE_LENGTH_MAX)
GOOD_LINES = st.fixed_dictionaries(
    {"sku": NAMES, "quantity": st.integers(1, limits.QUANTITY_MAX)},
    optional={"unit_price": st.none() | st.from_regex(r"[0-9]{1,14}(\.[0-9]{1,4})?", fullmatch=True)},
)
GOOD_ORDERS = st.fixed_dictionaries(
    {"customer_id": PLAIN, "lines": st.lists(GOOD_LINES, min_size=1, max_size=3)},
    optional={
        "currency": st.none() | st.sampled_from(sorted(code for code in CURRENCIES if decimals_of(code))),
        "reference": st.none() | PLAIN,
        "metadata": st.none() | st.dictionaries(st.text("abc", min_size=1, max_size=64), PROSE, max_size=3),
    },
)

# For each member: values on both sides of its rules.
TRIED: dict[str, st.SearchStrategy[Any]] = {
    "customer_id": texts(limits.CUSTOMER_ID_LENGTH_MAX),
    "currency": st.sampled_from(["EUR", "XXX", "eur", "EURO", ""]),
    "reference": texts(limits.REFERENCE_LENGTH_MAX),
    "idempotency_key": texts(limits.IDEMPOTENCY_KEY_LENGTH_MAX),
    "metadata": st.dictionaries(
        texts(limits.METADATA_KEY_LENGTH_MAX), texts(limits.METADATA_VALUE_LENGTH_MAX) | JUNK, max_size=2
    )
    | st.sampled_from([{"k" * 64: "v" * 500}, {"k" * 65: "v"}, {"k": "v" * 501}, {"\x00": ""}, {"k": "\x00"}]),
    "lines": st.lists(JUNK, max_size=2),
    "sku": texts(limits.SKU_LENGTH_MAX) | st.sampled_from([".", "..", "A/B", " A", "A ", "...", "\u00a0A"]),
    "quantity": st.sampled_from([0, 1, 5.0, 1.5, -1, 1_000_000, 1_000_001, 1_000_001.0, 1e300, 2**70, True, "1"]),
    "unit_price": st.from_regex(r"[0-9]{1,16}(\.[0-9]{0,5})?", fullmatch=True)
    | st.sampled_from(
        ["1" * 15, "1" * 16, "1.00001", "1e3", "-1", "+1", "1,5", "", ".5", " 1", "\u0661", "1\n", 1, 1.5]
    ),
}
LINE_MEMBERS = ["sku", "quantity", "unit_price"]
ORDER_MEMBERS = ["customer_id", "currency", "reference", "metadata", "lines", "idempotency_key"]


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """A good order with one thing changed: a member tried, replaced by anything, removed, or added."""
    document = draw(GOOD_ORDERS)
    of_line = draw(st.booleans())
    target = draw(st.sampled_from(document["lines"])) if of_line else document
    name = draw(st.sampled_from(LINE_MEMBERS if of_line else ORDER_MEMBERS))
    match draw(st.sampled_from(["try", "try", "try", "replace", "remove", "add"])):
        case "try":
            target[name] = draw(TRIED[name])
        case "replace":
            target[name] = draw(JUNK)
        case "remove":
            target.pop(name, None)
        case _:
            target[draw(TEXTS)] = draw(JUNK)
    return document


def decoder_accepts(document: object, read: Any) -> bool:
    try:
        read(parse_json(json.dumps(document).encode()))
    except OmsError:
        return False
    return True


def is_expressible(document: object) -> bool:
    """Tell whether the schema can judge a document: it knows neither normal forms, nor how much an int8 holds."""
    lines = document.get("lines") if isinstance(document, dict) else None
    for line in lines if isinstance(lines, list) else []:
        if not isinstance(line, dict):
            continue
        sku, price = line.get("sku"), line.get("unit_price")
        if isinstance(sku, str) and not unicodedata.is_normalized("NFC", sku):
            return False
        if isinstance(price, str) and len(price.partition(".")[0]) == 15 and not _fits(price):
            return False
    return True


def _fits(price: str) -> bool:
    try:
        parse_money(price)
    except ValueError:
        return False
    return True


@given(GOOD_ORDERS)
def test_what_the_schema_describes_is_read(document: dict[str, Any]) -> None:
    assert ORDER.is_valid(document)
    assert KEYED_ORDER.is_valid(document)
    assert decoder_accepts(document, read_order)
    assert decoder_accepts(document, read_keyed_order)


@settings(max_examples=800)
@given(changed())
def test_schema_and_decoder_agree_on_what_is_changed_in_an_order(document: dict[str, Any]) -> None:
    assume(is_expressible(document))
    assert ORDER.is_valid(document) == decoder_accepts(document, read_order)
    assert KEYED_ORDER.is_valid(document) == decoder_accepts(document, read_keyed_order)


@given(JUNK)
def test_schema_and_decoder_agree_on_what_is_no_order(document: object) -> None:
    assert ORDER.is_valid(document) == decoder_accepts(document, read_order)


@pytest.mark.parametrize(
    ("members", "accepted"),
    [
        ({"lines": [{"sku": "A", "quantity": 1}] * 2_000}, True),
        ({"lines": [{"sku": "A", "quantity": 1}] * 2_001}, False),
        ({"lines": []}, False),
        ({"metadata": {f"k{number}": "" for number in range(50)}}, True),
        ({"metadata": {f"k{number}": "" for number in range(51)}}, False),
        ({"metadata": {"": ""}}, False),
        ({"metadata": {"k": None}}, False),
        ({"currency": None, "reference": None, "metadata": None}, True),
        ({"customer_id": "😀" * 128}, True),
        ({"customer_id": "😀" * 129}, False),
    ],
)
def test_schema_and_decoder_agree_at_the_bounds(members: dict[str, Any], accepted: bool) -> None:
    document = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}], **members}
    assert ORDER.is_valid(document) is accepted
    assert decoder_accepts(document, read_order) is accepted
