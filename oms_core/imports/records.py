"""Records of a file of rows, CSV or JSON Lines, read in bounded memory whatever the file holds."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from oms_core.documents.csv_guard import unguard
from oms_core.documents.json_text import parse_json
from oms_core.errors import OmsError
from oms_core.imports.lines import Lines, RecordFault

_RUN_RECORDS_MAX = 100
_ROWS_BEFORE_HEADER_MAX = 1_000
_NO_OBJECT = "the line must be a JSON object"


@dataclass(frozen=True, slots=True)
class CsvRun:
    """Records that follow each other: the line where each begins, and its fields (none: an empty line)."""

    lines: Sequence[int]
    rows: list[list[str]]


def is_blank(fields: Sequence[str]) -> bool:
    """Tell whether a row has nothing in it but separators and spaces."""
    return not any(fields) or not any(map(str.strip, fields))


def read_header(lines: Lines, delimiter: str = ",") -> tuple[int, list[str]] | RecordFault | None:
    """Read the first record of a CSV file that is not empty, and no further; None where the first 1,000 are."""
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

    A guard against formulas (see `csv_guard`) is taken off. Empty rows are among them: see `without_blank`.
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
    """Leave the empty rows out of a run, and count them."""
    kept = [(line, fields) for line, fields in zip(run.lines, run.rows, strict=True) if not is_blank(fields)]
    lines.pass_over(len(run.rows) - len(kept))
    return CsvRun([line for line, _ in kept], [fields for _, fields in kept])


def csv_records(lines: Lines, delimiter: str = ",") -> Iterator[tuple[int, list[str]] | RecordFault]:
    """Read CSV, record by record, leaving out empty rows, which are counted."""
    for run in csv_runs(lines, delimiter):
        if isinstance(run, RecordFault):
            yield run
        else:
            filled = without_blank(lines, run)
            yield from zip(filled.lines, filled.rows, strict=True)


def json_records(lines: Lines) -> Iterator[tuple[int, dict[str, object]] | RecordFault]:
    """Read JSON Lines: each line's number, with its object; no empty lines, which are counted."""
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
