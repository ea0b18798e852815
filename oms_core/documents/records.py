"""Records of a file of rows, CSV or JSON Lines, read in bounded memory whatever the file holds."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from oms_core.documents.csv_guard import unguard
from oms_core.documents.json_text import parse_json
from oms_core.domain.imports import ImportFormat
from oms_core.domain.limits import IMPORT_RECORD_CHARACTERS_MAX
from oms_core.errors import OmsError

_BLOCK_BYTES = 32_768  # Rows of a block stay in the cache of the processor: half the time of 131,072.
_RUN_RECORDS_MAX = 100
_BOM = b"\xef\xbb\xbf"


class ByteSource(Protocol):
    """What is read: an open binary file, standard input, a request's body."""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes; none at the end only."""
        ...


class RecordFault(Exception):  # noqa: N818  A finding about the file, not a failure of the program.
    """A record, beginning at `line`, that cannot be read; reading goes on after it."""

    def __init__(self, line: int, code: str, detail: str) -> None:
        super().__init__(line, code, detail)
        self.line = line
        self.code = code
        self.detail = detail


class Lines:
    """The lines of a text in UTF-8, a BOM aside, each with its ending (LF, CRLF or CR).

    An iterator that outlives its errors: a line that is not UTF-8, or that makes its record longer than
    `record_characters_max`, raises RecordFault, and the next call gives the line after it.
    """

    def __init__(self, source: ByteSource, *, record_characters_max: int = IMPORT_RECORD_CHARACTERS_MAX) -> None:
        self._source = source
        self._record_characters_max = record_characters_max
        self._line_bytes_max = 4 * record_characters_max  # What so many characters can take in UTF-8.
        self._digest = hashlib.sha256()
        self._rest = self._read().removeprefix(_BOM)
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

    def format(self) -> ImportFormat:
        """Tell, before the first line is taken, how its records are written: JSONL begins with `{`."""
        return ImportFormat.JSONL if self._rest.lstrip().startswith(b"{") else ImportFormat.CSV

    def begin_record(self) -> None:
        """Say that the next line begins a record."""
        self.record_line = self.line + 1
        self._record_characters = 0

    def take_plain(self) -> list[str]:
        """Take many lines at once, each of which is a record: there is no quote in them, and none is too long.

        None are given at the end, and when the next one may be of another kind: the iterator then gives it.
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
            raise RecordFault(self.line, "bad_encoding", "the line is not UTF-8")
        self._record_characters += len(line)
        if self._record_characters > self._record_characters_max:
            raise self._too_long()
        return line

    def _read(self) -> bytes:
        block = self._source.read(_BLOCK_BYTES)
        self._digest.update(block)
        return block

    def _next_block(self) -> None:
        """Make a block of the whole lines among the bytes that are there and the next ones that come."""
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


@dataclass(frozen=True, slots=True)
class CsvRun:
    """Records that follow each other: the line where each begins, and its fields (none: an empty line)."""

    lines: Sequence[int]
    rows: list[list[str]]


def read_header(lines: Lines) -> tuple[int, list[str]] | RecordFault | None:
    """Read the first record of a CSV file and no further; None where there is none."""
    lines.begin_record()
    try:
        return lines.record_line, next(csv.reader(lines, strict=True))
    except StopIteration:
        return None
    except RecordFault as fault:
        return fault
    except csv.Error as error:
        return _malformed(lines, error)


def csv_runs(lines: Lines) -> Iterator[CsvRun | RecordFault]:
    """Read CSV (RFC 4180, comma, double quotes), many records at a time: one at a time takes twice as long.

    A guard against formulas (see `csv_guard`) is taken off.
    """
    reader = csv.reader(lines, strict=True)
    ended = False
    while not ended:
        numbers: list[int] = []
        rows: list[list[str]] = []
        fault = None
        try:
            if plain := lines.take_plain():
                first = lines.line + 1 - len(plain)
                plain_rows = list(csv.reader(plain, strict=True))
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


def csv_records(lines: Lines) -> Iterator[tuple[int, list[str]] | RecordFault]:
    """Read CSV, record by record, leaving out empty lines."""
    for run in csv_runs(lines):
        if isinstance(run, RecordFault):
            yield run
        else:
            yield from ((line, fields) for line, fields in zip(run.lines, run.rows, strict=True) if fields)


def json_records(lines: Lines) -> Iterator[tuple[int, dict[str, object]] | RecordFault]:
    """Read JSON Lines: each line's number, with its object; no empty lines."""
    while True:
        lines.begin_record()
        try:
            text = next(lines)
            document = parse_json(text.encode()) if not text.isspace() else None
        except StopIteration:
            return
        except RecordFault as fault:
            yield fault
        except OmsError as error:
            yield RecordFault(lines.line, error.code, error.detail.removeprefix("the body is "))
        else:
            if isinstance(document, dict):
                yield lines.line, document
            elif document is not None or not text.isspace():
                yield RecordFault(lines.line, "wrong_type", "the line must be a JSON object")


def _malformed(lines: Lines, error: csv.Error) -> RecordFault:
    return RecordFault(lines.record_line, "malformed_csv", f"the row is not CSV: {error}")


def _decoded_line(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
