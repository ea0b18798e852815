"""Records of a file of rows, CSV or JSON Lines, read in bounded memory whatever the file holds."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from oms_core.documents.byte_sources import BYTES_LOOKED_AT, UTF8_BOM, ByteSource, refuse_binary, refuse_json_array
from oms_core.documents.csv_guard import unguard
from oms_core.documents.json_text import parse_json
from oms_core.domain.import_commands import ImportFormat
from oms_core.domain.limits import IMPORT_RECORD_CHARACTERS_MAX, IMPORT_ROWS_MAX
from oms_core.errors import OmsError

_BLOCK_BYTES = 32_768  # Rows of a block stay in the cache of the processor: half the time of 131,072.
_HEAD_BYTES = 4_096
_RUN_RECORDS_MAX = 100
_ROWS_BEFORE_HEADER_MAX = 1_000
_NO_OBJECT = "the line must be a JSON object"


class RecordFault(Exception):  # noqa: N818  A finding about the file, not a failure of the program.
    """A record that begins at `line` and cannot be read. Reading goes on after it."""

    def __init__(self, line: int, code: str, detail: str) -> None:
        super().__init__(line, code, detail)
        self.line = line
        self.code = code
        self.detail = detail


class Lines:
    """The lines of a text in UTF-8, without its BOM, each with its ending (LF, CRLF or CR).

    It is an iterator that goes on after its errors. A line that is not UTF-8, or that makes its record longer than
    `record_characters_max`, raises RecordFault; the next call returns the line after it. `head` is how the text begins,
    `blank` is how many empty rows were passed over. Raises `validation_error` for a file that is no text in UTF-8.
    """

    def __init__(self, source: ByteSource, *, record_characters_max: int = IMPORT_RECORD_CHARACTERS_MAX) -> None:
        self._source = source
        self._record_characters_max = record_characters_max
        self._line_bytes_max = 4 * record_characters_max  # What so many characters can take in UTF-8.
        self._digest = hashlib.sha256()
        self._rest = self._begin()
        self.head = self._rest[:_HEAD_BYTES]
        self.blank = 0
        self._block: list[str | None] = []
        self._block_is_plain = False
        self._next = 0
        self._record_characters = 0
        self.line = 0
        self.record_line = 1

    @property
    def digest(self) -> bytes:
        """The SHA-256 of every byte that was read."""
        return self._digest.digest()

    def format(self, chosen: ImportFormat | None = None) -> ImportFormat:
        """Return the format that was chosen, or else the one that the file has: JSONL begins with `{`.

        Raise `validation_error` for a JSON array.
        """
        if chosen is not ImportFormat.CSV:
            refuse_json_array(self.head)
        return chosen or (ImportFormat.JSONL if self.head.lstrip().startswith(b"{") else ImportFormat.CSV)

    def pass_over(self, rows: int) -> None:
        """Count empty rows. Raise `payload_too_large` beyond 5,000,000."""
        self.blank += rows
        check_row_count(self.blank)

    def begin_record(self) -> None:
        """Say that the next line begins a record."""
        self.record_line = self.line + 1
        self._record_characters = 0

    def take_plain(self) -> list[str]:
        """Return many lines at once, each of which is a record: they have no quote, and none is too long.

        Return none at the end, and where the next line may be different: that one comes from the iterator.
        """
        self.begin_record()
        if self._next == len(self._block):
            self._next_block()
        if not self._block_is_plain:
            return []
        lines = self._block[self._next :]
        self._next = len(self._block)
        self.line += len(lines)
        return cast("list[str]", lines)

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._next == len(self._block):
            self._next_block()
        if not self._block:
            raise StopIteration
        line = self._block[self._next]
        self._next += 1
        self.line += 1
        if line is None:
            raise RecordFault(self.line, "bad_encoding", "the line is not UTF-8; its encoding must be named")
        self._record_characters += len(line)
        if self._record_characters > self._record_characters_max:
            raise self._too_long()
        return line

    def _begin(self) -> bytes:
        """Read the bytes that tell the kind of the file, and more if there are. A pipe may bring them one by one."""
        begin = b""
        while len(begin) < BYTES_LOOKED_AT and (block := self._read()):
            begin += block
        refuse_binary(begin)
        return begin.removeprefix(UTF8_BOM)

    def _read(self) -> bytes:
        block = self._source.read(_BLOCK_BYTES)
        self._digest.update(block)
        return block

    def _next_block(self) -> None:
        """Make a block of the whole lines among the bytes that were read, and read the next ones."""
        self._block, self._next = [], 0
        while self._rest:
            block = self._read()
            end = self._rest.rfind(b"\n") + 1 or (0 if block else len(self._rest))
            if end:
                whole, self._rest = self._rest[:end], self._rest[end:] + block
                self._cut(whole)
                return
            if len(self._rest) > self._line_bytes_max:
                self._skip_line(block)
                raise self._too_long()
            self._rest += block

    def _cut(self, whole: bytes) -> None:
        try:
            lines = io.StringIO(whole.decode(), newline="").readlines()
        except UnicodeDecodeError:
            self._block = [_decoded_line(line) for line in whole.splitlines(keepends=True)]
            self._block_is_plain = False
            return
        self._block = [*lines]
        self._block_is_plain = b'"' not in whole and max(map(len, lines)) <= self._record_characters_max

    def _skip_line(self, block: bytes) -> None:
        self.line += 1
        while block and b"\n" not in block:
            block = self._read()
        self._rest = block.partition(b"\n")[2]

    def _too_long(self) -> RecordFault:
        detail = f"the row is longer than {self._record_characters_max} characters; is a quote not closed?"
        return RecordFault(self.record_line, "too_long", detail)


def check_row_count(rows: int) -> None:
    """Raise `payload_too_large` where a file has more rows than an import takes. Empty rows count too."""
    if rows > IMPORT_ROWS_MAX:
        raise OmsError("payload_too_large", f"an import has at most {IMPORT_ROWS_MAX} rows; split the file")


@dataclass(frozen=True, slots=True)
class CsvRun:
    """Records that follow each other: the line where each begins, and its fields (an empty line has none)."""

    lines: Sequence[int]
    rows: list[list[str]]


def is_blank(fields: Sequence[str]) -> bool:
    """Return whether a row has nothing in it but separators and spaces."""
    return not any(fields) or not any(map(str.strip, fields))


def read_header(lines: Lines, delimiter: str = ",") -> tuple[int, list[str]] | RecordFault | None:
    """Return the first record of a CSV file that is not empty; None where the first 1,000 are."""
    try:
        for _ in range(_ROWS_BEFORE_HEADER_MAX):
            lines.begin_record()
            fields = next(csv.reader(lines, strict=True, delimiter=delimiter))
            if not is_blank(fields):
                return lines.record_line, fields
            lines.pass_over(1)
    except StopIteration:
        pass
    except RecordFault as fault:
        return fault
    except csv.Error as error:
        return _malformed(lines, error)
    return None


def csv_runs(lines: Lines, delimiter: str = ",") -> Iterator[CsvRun | RecordFault]:
    """Read CSV (RFC 4180, double quotes), many records at a time: one at a time takes twice as long.

    Guards against formulas are taken off (see `csv_guard`). Empty rows are still there (see `without_blank`).
    """
    reader = csv.reader(lines, strict=True, delimiter=delimiter)
    ended = False
    while not ended:
        numbers: list[int] = []
        rows: list[list[str]] = []
        fault = None
        try:
            if plain := lines.take_plain():
                first = lines.line + 1 - len(plain)
                plain_rows = list(csv.reader(plain, strict=True, delimiter=delimiter))
                if any("'" in line for line in plain):
                    plain_rows = [unguard(row) for row in plain_rows]
                yield CsvRun(range(first, lines.line + 1), plain_rows)
                continue
            while len(rows) < _RUN_RECORDS_MAX:
                lines.begin_record()
                rows.append(unguard(next(reader)))
                numbers.append(lines.record_line)
        except StopIteration:
            ended = True
        except RecordFault as found:
            fault = found
        except csv.Error as error:
            fault = _malformed(lines, error)
        if rows:
            yield CsvRun(numbers, rows)
        if fault is not None:
            yield fault


def without_blank(lines: Lines, run: CsvRun) -> CsvRun:
    """Return a run without its empty rows, and count those."""
    kept = [(line, fields) for line, fields in zip(run.lines, run.rows, strict=True) if not is_blank(fields)]
    lines.pass_over(len(run.rows) - len(kept))
    return CsvRun([line for line, _ in kept], [fields for _, fields in kept])


def csv_records(lines: Lines, delimiter: str = ",") -> Iterator[tuple[int, list[str]] | RecordFault]:
    """Read CSV, record by record. Empty rows are left out and counted."""
    for run in csv_runs(lines, delimiter):
        if isinstance(run, RecordFault):
            yield run
        else:
            filled = without_blank(lines, run)
            yield from zip(filled.lines, filled.rows, strict=True)


def json_records(lines: Lines) -> Iterator[tuple[int, dict[str, object]] | RecordFault]:
    """Read JSON Lines: each line's number and its object. Empty lines are left out and counted."""
    while True:
        lines.begin_record()
        try:
            text = next(lines)
        except StopIteration:
            return
        except RecordFault as fault:
            yield fault
            continue
        if text.isspace():
            lines.pass_over(1)
        else:
            yield _json_record(lines.line, text)


def _json_record(line: int, text: str) -> tuple[int, dict[str, object]] | RecordFault:
    try:
        document = parse_json(text.encode())
    except OmsError as error:
        return RecordFault(line, error.code, error.detail.removeprefix("the body is "))
    return (line, document) if isinstance(document, dict) else RecordFault(line, "wrong_type", _NO_OBJECT)


def _malformed(lines: Lines, error: csv.Error) -> RecordFault:
    return RecordFault(lines.record_line, "malformed_csv", f"the row is not CSV: {error}")


def _decoded_line(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
