"""Records of an imported file: CSV and JSON Lines as people have them, and nothing that is not bounded."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core.domain.import_commands import ImportFormat
from oms_core.domain.limits import IMPORT_RECORD_CHARACTERS_MAX
from oms_core.errors import OmsError
from oms_core.imports import records as records_module
from oms_core.imports.records import Lines, RecordFault, csv_records, json_records


def lines_of(text: str | bytes) -> Lines:
    return Lines(io.BytesIO(text.encode() if isinstance(text, str) else text))


def rows(text: str | bytes) -> list[object]:
    """Read CSV; a fault is shown as its line and code."""
    return [_shown(record) for record in csv_records(lines_of(text))]


def documents(text: str | bytes) -> list[object]:
    return [_shown(record) for record in json_records(lines_of(text))]


def _shown(record: object) -> object:
    return (record.line, record.code) if isinstance(record, RecordFault) else record


class Endless:
    """A source that never ends its line, and counts what was read of it."""

    def __init__(self, size: int, end: bytes) -> None:
        self.left = size
        self._end = end

    def read(self, size: int, /) -> bytes:
        given = min(size, self.left)
        self.left -= given
        if given:
            return b"x" * given
        end, self._end = self._end, b""
        return end


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("last", ["", "ending"])
def test_every_ending_of_a_line_is_one_and_a_bom_is_nothing(ending: str, bom: str, last: str) -> None:
    text = bom + ending.join(["a,b", "1,2", "", "3,4"]) + (ending if last else "")
    assert rows(text) == [(1, ["a", "b"]), (2, ["1", "2"]), (4, ["3", "4"])]


def test_quoted_fields_hold_commas_quotes_and_line_breaks_and_lines_are_counted_through_them() -> None:
    text = 'a,"b, c"\r\n"two\r\nlines","say ""hi"""\r\nd,e\r\n'
    assert rows(text) == [(1, ["a", "b, c"]), (2, ["two\r\nlines", 'say "hi"']), (4, ["d", "e"])]


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab,"\n\r é')), min_size=2, max_size=2).filter(
            lambda row: any(map(str.strip, row))
        ),
        max_size=20,
    ),
    st.integers(1, 40),
)
def test_what_the_csv_module_writes_is_read_back_wherever_blocks_end(table: list[list[str]], block: int) -> None:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records_module, "_BLOCK_BYTES", block)
        read = list(csv_records(lines_of(written.getvalue())))
    assert [record[1] for record in read if not isinstance(record, RecordFault)] == table


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_bytes_are_read_to_the_end_and_digested(content: bytes, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records_module, "_BLOCK_BYTES", block)
        try:
            lines = lines_of(content)
        except OmsError:  # It begins as UTF-16, gzip or a workbook does.
            return
        records_read = list(csv_records(lines))
    assert lines.digest == hashlib.sha256(content).digest()
    numbers = [record.line if isinstance(record, RecordFault) else record[0] for record in records_read]
    assert numbers == sorted(set(numbers))


def test_a_bad_row_does_not_end_the_reading() -> None:
    assert rows('a,b\n"x"y,1\nc,d\n') == [(1, ["a", "b"]), (2, "malformed_csv"), (3, ["c", "d"])]
    assert rows(b"a,b\n\xff,1\nc,d\n") == [(1, ["a", "b"]), (2, "bad_encoding"), (3, ["c", "d"])]


def test_a_quote_that_is_not_closed_is_a_bad_row() -> None:
    assert rows('a,b\n"c,d\ne,f\n') == [(1, ["a", "b"]), (2, "malformed_csv")]


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_line_that_is_too_long_is_a_bad_row_and_the_next_one_is_read(quote: str) -> None:
    long = quote + "x" * IMPORT_RECORD_CHARACTERS_MAX + quote
    assert rows(f"a,b\n{long},1\nc,d\n") == [(1, ["a", "b"]), (2, "too_long"), (3, ["c", "d"])]
    assert rows(f"{'é' * 40_000},1\nc,d\n")[1] == (2, ["c", "d"])


def test_a_record_of_many_lines_is_bounded_too() -> None:
    text = 'a,b\n"' + "x\n" * IMPORT_RECORD_CHARACTERS_MAX
    assert rows(text)[:2] == [(1, ["a", "b"]), (2, "too_long")]


@pytest.mark.parametrize("end", [b"", b"\na,b\n"])
def test_a_line_of_ten_megabytes_takes_no_memory(end: bytes) -> None:
    tracemalloc.start()
    try:
        read = [_shown(record) for record in csv_records(Lines(Endless(10_000_000, end)))]
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == [(1, "too_long"), *([(2, ["a", "b"])] if end else [])]
    assert peak_bytes < 2_000_000


def test_json_lines_are_objects_one_on_each_line() -> None:
    text = b'{"a":1}\r\n\r\n[1]\n{"a":NaN}\nnull\nx\n{"b":"\xc3\xa4"}\n\xff\n{"a":1,"a":2}'
    assert documents(text) == [
        (1, {"a": 1}),
        (3, "wrong_type"),
        (4, "malformed_json"),
        (5, "wrong_type"),
        (6, "malformed_json"),
        (7, {"b": "ä"}),
        (8, "bad_encoding"),
        (9, "malformed_json"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"sku":"A"}', ImportFormat.JSONL),
        (b'\xef\xbb\xbf \r\n{"sku":"A"}', ImportFormat.JSONL),
        (b"sku,quantity", ImportFormat.CSV),
        (b"", ImportFormat.CSV),
    ],
)
def test_the_format_is_seen_at_the_first_character(content: bytes, expected: ImportFormat) -> None:
    assert lines_of(content).format() is expected


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("sku,quantity\n".encode("utf-16"), "bad_encoding"),
        ("sku,quantity\n".encode("utf-16-le"), "bad_encoding"),
        ("sku,quantity\n".encode("utf-16-be"), "bad_encoding"),
        ("\ufeffsku,quantity\n".encode("utf-16-be"), "bad_encoding"),
        (gzip.compress(b"sku,quantity\n", mtime=0), "compressed"),
        (b"PK\x03\x04\x14\x00", "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook"),
    ],
)
def test_a_file_that_is_no_utf_8_says_what_it_is(content: bytes, code: str) -> None:
    with pytest.raises(OmsError) as caught:
        lines_of(content)
    assert [found.code for found in caught.value.errors] == [code]


def test_a_pipe_that_gives_byte_after_byte_is_read_as_a_file_is() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(1, size or 1))

    lines = Lines(Trickle(b'\xef\xbb\xbf \n{"a":1}\n'))
    assert lines.format() is ImportFormat.JSONL
    with pytest.raises(OmsError, match="UTF-16"):
        Lines(Trickle("sku,quantity\n".encode("utf-16")))


@pytest.mark.parametrize("content", ["[]", '[{"sku":"A"}]', '\ufeff\n [\n{"sku":"A"}\n]\n', "[\n"])
@pytest.mark.parametrize("chosen", [None, ImportFormat.JSONL])
def test_a_json_array_is_not_taken_for_csv(content: str, chosen: ImportFormat | None) -> None:
    with pytest.raises(OmsError) as caught:
        lines_of(content).format(chosen)
    assert caught.value.errors[0].code == "json_array"


def test_a_heading_in_brackets_is_no_json_array() -> None:
    assert lines_of("[sku],quantity\n").format() is ImportFormat.CSV
    assert lines_of("[]").format(ImportFormat.CSV) is ImportFormat.CSV


@pytest.mark.parametrize("row", [b"\n", b",,,\n", b" , \n", b'"",""\n'])
def test_empty_rows_count_towards_the_bound(row: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_module, "IMPORT_ROWS_MAX", 1_000)
    assert rows(b"a,b\n" + row * 1_000) == [(1, ["a", "b"])]
    with pytest.raises(OmsError) as caught:
        rows(b"a,b\n" + row * 1_001)
    assert caught.value.code == "payload_too_large"
    with pytest.raises(OmsError) as caught:
        documents(b"\n" * 1_001)
    assert caught.value.code == "payload_too_large"
