"""The decoders of JSON, CSV and JSON Lines: never anything but OmsError, what is taken comes back the same, in time."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import OmsError, PlaceOrder
from oms_core.documents.csv_guard import guard
from oms_core.documents.json_text import parse_json
from oms_core.documents.messages import read_command, read_order_ids
from oms_core.documents.orders import read_keyed_order, read_order
from oms_core.domain.import_commands import (
    ORDER_COLUMNS,
    RETURN_COLUMNS,
    SHIPMENT_COLUMNS,
    STOCK_COLUMNS,
    ImportFormat,
    ImportMode,
    ImportReject,
)
from oms_core.errors import ErrorKind
from oms_core.imports.act_kinds import RETURNS, SHIPMENTS, ActKind
from oms_core.imports.act_rows import ActDraft, read_act_rows
from oms_core.imports.order_rows import OrderDraft, read_order_rows
from oms_core.imports.records import Lines
from oms_core.imports.stock_rows import StockRowReader
from tests.fuzz.chance import FRAGMENTS, Chance, to_json
from tests.fuzz.settings import THOROUGH

ORDER = {
    "customer_id": "C1",
    "lines": [{"sku": "A", "quantity": 2, "unit_price": "1.50"}],
    "currency": "EUR",
    "reference": "R",
    "metadata": {"a": "b"},
    "idempotency_key": "k",
}
JSONL = b'{"sku":"A","quantity":5,"location":"main"}\n\n{"sku":"B","quantity":-0}\n'
CSV = b'sku,quantity,location,name,reason,reference\nA,5,main,"a ""b""",counted,R\n"B\nC",1,,,,\n'
ORDERS_CSV = (
    b"idempotency_key,reference,customer_id,currency,sku,quantity,unit_price,metadata,hold_seconds,locations\n"
    b'k,R,C1,EUR,A,1,1.50,"{""note"": ""n""}",900,north;east\nk,,,,B,2,,,,\n'
)
AN_ORDER = "01980a3c-5d00-7000-8000-000000000000"
LINE = {"line_no": 1, "quantity": 2}
SHIPMENT = {"order_id": AN_ORDER, "location": "main", "lines": [LINE], "carrier": "DHL", "tracking_number": "1Z"}
RETURN = {
    "order_id": AN_ORDER,
    "lines": [LINE | {"disposition": "quarantine", "location": "yard"}],
    "reference": "RMA",
    "reason": "torn",
}
SHIPMENTS_CSV = (
    b"idempotency_key,order_id,location,line_no,sku,quantity,carrier,tracking_number,tracking_url,reference\n"
    b"k,%b,main,1,,2,DHL,1Z,https://a.example,R\nk,%b,main,,B,1,DHL,1Z,,R\n,%b,,,,,,2Z,,\n"
) % ((AN_ORDER.encode(),) * 3)
RETURNS_CSV = (
    b"idempotency_key,order_id,line_no,sku,quantity,disposition,location,reference,reason\n"
    b"k,%b,1,,2,quarantine,yard,R,torn\nk,%b,,B,1,,,R,\n,%b,,,,,,S,\n"
) % ((AN_ORDER.encode(),) * 3)
ACTS: dict[str, tuple[ActKind[Any], bytes, dict[str, Any]]] = {
    "shipments": (SHIPMENTS, SHIPMENTS_CSV, SHIPMENT),
    "returns": (RETURNS, RETURNS_CSV, RETURN),
}
# A hundred times what it takes; what is quadratic takes a thousand times as long.
HOSTILE_SECONDS = 10.0

seeds = st.integers(0, 2**64 - 1)
mutants = st.one_of(st.binary(max_size=300), seeds.map(lambda seed: Chance(seed).body(ORDER)))
finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**39) + 1, 10**39) | finite | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def refused(read: Callable[[], object]) -> OmsError | None:
    """Give the error of a reading, which must be one that the sender is told; None where it is taken."""
    found: OmsError | None = None
    try:
        read()
    except OmsError as error:
        found = error
    if found is not None:
        assert found.kind is ErrorKind.INVALID
        assert found.detail.encode(errors="strict")
        assert len(found.detail) < 5_000
    return found


def changed(content: bytes) -> st.SearchStrategy[bytes]:
    """Draw contents of a file that are nearly this one."""
    return st.one_of(seeds.map(lambda seed: Chance(seed).changed(content, ways=4)), st.binary(max_size=300))


@THOROUGH
@given(json_values)
def test_a_json_document_that_is_written_is_read_back(document: object) -> None:
    assert parse_json(json.dumps(document).encode()) == document


@THOROUGH
@given(mutants)
def test_a_body_that_is_taken_reads_as_json_says_and_any_other_is_refused(body: bytes) -> None:
    if refused(lambda: parse_json(body)) is None:
        assert parse_json(body) == json.loads(body)
        assert parse_json(to_json(parse_json(body))) == parse_json(body)


@THOROUGH
@given(mutants)
def test_an_order_is_read_or_refused_and_one_that_is_taken_comes_back(body: bytes) -> None:
    for read in (lambda: read_order(parse_json(body)), lambda: read_command(body), lambda: read_order_ids(body)):
        refused(read)
    if refused(lambda: read_keyed_order(parse_json(body))) is None:
        command = read_keyed_order(parse_json(body))
        assert read_keyed_order(parse_json(to_json(_written(command)))) == command


def _written(command: PlaceOrder) -> dict[str, Any]:
    lines = [
        {"sku": line.sku, "quantity": line.quantity}
        | ({"unit_price": str(line.unit_price)} if line.unit_price is not None else {})
        for line in command.lines
    ]
    return {
        "customer_id": command.customer_id,
        "lines": lines,
        "currency": command.currency,
        "reference": command.reference,
        "metadata": dict(command.metadata),
        "idempotency_key": command.idempotency_key,
    }


def stock_rows(content: bytes, format: ImportFormat, mode: ImportMode = ImportMode.SET) -> Iterator[Any]:
    reader = StockRowReader(mode=mode, location="main", reason="counted")
    for rows in reader.read(Lines(io.BytesIO(content)), format):
        yield from rows


@THOROUGH
@given(st.one_of(changed(CSV), changed(JSONL)), st.sampled_from(ImportMode))
def test_stock_files_are_read_to_the_end_and_what_is_good_comes_back(content: bytes, mode: ImportMode) -> None:
    rows: list[Any] = []
    for format in ImportFormat:
        refused(lambda format=format: rows.extend(stock_rows(content, format, mode)))  # type: ignore[misc]
    good = [row for row in rows if not isinstance(row, ImportReject)]
    assert all(
        json.dumps(reject.values) and reject.detail.encode() for reject in rows if isinstance(reject, ImportReject)
    )
    again = list(stock_rows(_stock_csv(good), ImportFormat.CSV, mode))
    assert [_without_line(row) for row in again] == [_without_line(row) for row in good]


def _without_line(row: Any) -> Any:
    assert not isinstance(row, ImportReject), row
    sku, location, _line, *rest = row
    return sku, location, *rest


def _stock_csv(rows: list[Any]) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(STOCK_COLUMNS)
    for sku, location, _line, quantity, name, reason, reference in rows:
        writer.writerow([guard(value) for value in (sku, quantity, location, name, reason, reference)])
    return written.getvalue().encode()


@THOROUGH
@given(st.one_of(changed(ORDERS_CSV), changed(to_json(ORDER) + b"\n" + to_json(ORDER))))
def test_order_files_are_read_to_the_end_and_good_documents_are_orders(content: bytes) -> None:
    for format in ImportFormat:
        found: list[OrderDraft | ImportReject] = []
        refused(
            lambda format=format, found=found: found.extend(read_order_rows(Lines(io.BytesIO(content)), format, {}))
        )  # type: ignore[misc]
        for row in found:
            if isinstance(row, OrderDraft):
                assert read_keyed_order(parse_json(to_json(row.document))).idempotency_key == row.key
            else:
                assert json.dumps(row.values)


def act_rows(content: bytes, format: ImportFormat, kind: ActKind[Any]) -> Iterator[Any]:
    return read_act_rows(Lines(io.BytesIO(content)), format, {}, kind, idempotency_key="file")


@THOROUGH
@given(seeds, st.sampled_from([*ACTS]))
def test_files_of_acts_are_read_to_the_end_and_good_documents_are_read_again(seed: int, name: str) -> None:
    kind, rows, document = ACTS[name]
    chance = Chance(seed)
    begun = chance.one_of([rows, to_json(document) + b"\n" + to_json(document), chance.body(document)])
    content = chance.changed(begun, ways=4)
    for format in ImportFormat:
        found: list[ActDraft | ImportReject] = []
        refused(lambda format=format, found=found: found.extend(act_rows(content, format, kind)))  # type: ignore[misc]
        for row in found:
            if isinstance(row, ActDraft):
                assert kind.read(parse_json(to_json(row.document))).idempotency_key == row.key  # type: ignore[arg-type]
            else:
                assert json.dumps([row.values, *row.rows])
                assert row.detail.encode()


@pytest.mark.parametrize("name", ACTS)
def test_the_examples_of_acts_are_good(name: str) -> None:
    kind, rows, document = ACTS[name]
    assert [type(row) for row in act_rows(rows, ImportFormat.CSV, kind)] == [ActDraft] * 2
    assert [type(row) for row in act_rows(to_json(document), ImportFormat.JSONL, kind)] == [ActDraft]


@THOROUGH
@given(st.lists(st.sampled_from([*FRAGMENTS, b"\n", b"\n", b",", b'"', b"A", b"1"]), max_size=60).map(b"".join))
def test_files_of_pieces_are_read_to_the_end(content: bytes) -> None:
    for format in ImportFormat:
        refused(lambda format=format: list(stock_rows(content, format)))  # type: ignore[misc]
        refused(lambda format=format: list(stock_rows(CSV + content, format)))  # type: ignore[misc]
        refused(lambda format=format: list(read_order_rows(Lines(io.BytesIO(ORDERS_CSV + content)), format, {})))  # type: ignore[misc]
        for kind, rows, _ in ACTS.values():
            refused(lambda format=format, kind=kind, rows=rows: list(act_rows(rows + content, format, kind)))  # type: ignore[misc]


HOSTILE_BODIES = {
    "open lists": b"[" * 1_000_000,
    "open objects": b'{"a":' * 170_000,
    "closed lists": b"[" * 500_000 + b"]" * 500_000,
    "one long number": b"9" * 1_000_000,
    "one long fraction": b"0." + b"1" * 1_000_000,
    "one long exponent": b"1e" + b"9" * 1_000_000,
    "many numbers": b"[" + b"1," * 500_000 + b"1]",
    "many long numbers": b"[" + (b"9" * 40 + b",") * 24_000 + b"1]",
    "one long text": b'"' + b"a" * 1_000_000 + b'"',
    "many escapes": b'"' + b"\\u0041" * 160_000 + b'"',
    "many members": b"{" + b",".join(b'"%d":1' % n for n in range(90_000)) + b"}",
    "one member many times": b"{" + b'"a":1,' * 160_000 + b'"a":1}',
    "many lines": b'{"customer_id":"C","lines":[' + b'{"sku":"A","quantity":1},' * 40_000 + b"1]}",
    "spaces": b" " * 1_000_000,
    "quotes": b'"' * 1_000_000,
    "backslashes": b'"' + b"\\" * 999_999,
}  # fmt: skip
HOSTILE_FILES = {
    "one long line": b"sku,quantity\n" + b"A" * 1_000_000,
    "an open quote": b'sku,quantity\n"' + (b"A" * 99 + b"\n") * 5_000,
    "quotes": b"sku,quantity\n" + b'"' * 500_000,
    "empty lines": b"sku,quantity\n" + b"\n" * 100_000,
    "carriage returns": b"sku,quantity\n" + b"\r" * 100_000,
    "many fields": b"sku,quantity\n" + b"," * 1_000_000,
    "a header of many fields": b"," * 60_000 + b"\nA,1",
    "a header of one name many times": b"sku," * 15_000 + b"quantity\nA,1",
    "no UTF-8": b"sku,quantity\n" + b"\xff\n" * 30_000,
    "deep lines": (b"[" * 10_000 + b"\n") * 200,
    "objects that are none": b"{\n" * 30_000,
    "an order of many lines": ORDERS_CSV + b"k,R,C1,EUR,A,1,1.50\n" * 20_000,
    "a return of many lines": RETURNS_CSV + RETURNS_CSV.splitlines(keepends=True)[1] * 20_000,
}


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES)
def test_a_body_of_a_megabyte_takes_no_long_time_whatever_it_holds(body: bytes) -> None:
    began = time.process_time()
    refused(lambda: read_order(parse_json(body)))
    refused(lambda: read_command(body))
    assert time.process_time() - began < HOSTILE_SECONDS


@pytest.mark.parametrize("content", HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_a_file_takes_no_long_time_whatever_it_holds(content: bytes) -> None:
    began = time.process_time()
    for format in ImportFormat:
        refused(lambda format=format: [None for _ in stock_rows(content, format)])  # type: ignore[misc]
        refused(lambda format=format: [None for _ in read_order_rows(Lines(io.BytesIO(content)), format, {})])  # type: ignore[misc]
        for kind, _, _ in ACTS.values():
            refused(lambda format=format, kind=kind: [None for _ in act_rows(content, format, kind)])  # type: ignore[misc]
    assert time.process_time() - began < HOSTILE_SECONDS


def test_the_columns_are_those_of_the_examples() -> None:
    assert CSV.splitlines()[0].decode() == ",".join(STOCK_COLUMNS)
    assert ORDERS_CSV.splitlines()[0].decode() == ",".join(ORDER_COLUMNS)
    assert SHIPMENTS_CSV.splitlines()[0].decode() == ",".join(SHIPMENT_COLUMNS)
    assert RETURNS_CSV.splitlines()[0].decode() == ",".join(RETURN_COLUMNS)
