"""What every command writes on stdout: tables, JSON and CSV."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TextIO, TypeVar

from oms_cli.terminal.messages import printable, say
from oms_cli.terminal.streams import is_closed, require_output
from oms_cli.terminal.view import View, file_text
from oms_core.documents.csv_guard import csv_writer, guard

T = TypeVar("T")

# DEL and the C1 controls, and marks that change the direction of writing.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class OutputFormat(StrEnum):
    """How data is written: for people, or for programs."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Output:
    """Writes data to a stream in one format; JSON and CSV are UTF-8 with LF line ends, whatever the locale."""

    format: OutputFormat
    stream: TextIO

    @property
    def is_json(self) -> bool:
        """Whether programs read JSON here, so that errors are JSON too."""
        return self.format in {OutputFormat.JSON, OutputFormat.JSONL}

    @property
    def is_table(self) -> bool:
        """Whether people read this."""
        return self.format is OutputFormat.TABLE

    def sentence(self, text: str) -> None:
        """Write a line for people: nothing in the other formats, nor where stdout is closed."""
        if self.is_table and not is_closed(self.stream):
            self.stream.write(f"{printable(text)}\n")

    def lines(self, texts: Iterable[str]) -> int:
        """Write bare lines as they come, and return their number."""
        count = 0
        for text in texts:
            self.stream.write(f"{printable(text)}\n")
            count += 1
        return count

    def list(self, view: View[T], items: Iterable[T]) -> int:
        """Write many things as a table, a JSON array, JSON Lines, or CSV with a header, and return their number.

        Things are written as they come, in bounded memory; an error before the first leaves stdout empty.
        """
        entries = iter(items)
        first = next(entries, None)
        entries = chain(() if first is None else (first,), entries)
        if self.format is OutputFormat.TABLE:
            return self._table(view, entries)
        if self.format is OutputFormat.CSV:
            return write_csv(view, entries, self.stream)
        if self.format is OutputFormat.JSONL:
            return write_json_lines(view, entries, self.stream)
        return write_json_array(view, entries, self.stream)

    def record(self, view: View[T], item: T) -> None:
        """Write one thing: lines of name and value, a JSON object, or CSV with a header."""
        if self.format is OutputFormat.TABLE:
            from oms_cli.terminal.tables import write_record

            write_record(view.table_columns, item, self.stream)
        elif self.format is OutputFormat.CSV:
            write_csv(view, iter([item]), self.stream)
        else:
            self.document(view.document(item))

    def document(self, document: Mapping[str, object]) -> None:
        """Write one JSON object: indented for `json`, on one line for `jsonl`."""
        indent = 2 if self.format is OutputFormat.JSON else None
        self.stream.write(_json(document, indent=indent) + "\n")

    def flush(self) -> None:
        """Let what was written be seen before anything is said on stderr."""
        self.stream.flush()

    def _table(self, view: View[T], items: Iterator[T]) -> int:
        from oms_cli.terminal.tables import write_plain_table, write_terminal_table

        on_terminal = self.stream.isatty()
        rows = (write_terminal_table if on_terminal else write_plain_table)(view, items, self.stream)
        if rows == 0:
            say(view.nothing)
        return rows


def open_output(given: OutputFormat | None) -> Output:
    """Write to stdout, a table if no format was given. Raise ClosedStreamError if one was and stdout is closed."""
    if given is not None:
        require_output()
    stream, output_format = sys.stdout, given or OutputFormat.TABLE
    if isinstance(stream, io.TextIOWrapper):
        if output_format is OutputFormat.TABLE:
            stream.reconfigure(errors="backslashreplace")  # A terminal that lacks a character must not stop us.
        else:
            stream.reconfigure(encoding="utf-8", newline="\n")
    return Output(output_format, stream)


def write_csv(view: View[T], items: Iterator[T], stream: TextIO) -> int:
    """Write a header and a row per thing (RFC 4180, but with LF, which is what Unix tools expect).

    No spreadsheet takes a cell for a formula, and none moves the cursor of a terminal.
    """
    on_terminal = stream.isatty()
    writer = csv_writer(stream)
    writer.writerow([column.name for column in view.columns])
    rows = 0
    for item in items:
        cells = [guard(file_text(column.value(item))) for column in view.columns]
        writer.writerow([printable(cell) if on_terminal and isinstance(cell, str) else cell for cell in cells])
        rows += 1
    return rows


def write_json_lines(view: View[T], items: Iterator[T], stream: TextIO) -> int:
    """Write one JSON object per line."""
    rows = 0
    for item in items:
        stream.write(_json(view.document(item)) + "\n")
        rows += 1
    return rows


def write_json_array(view: View[T], items: Iterator[T], stream: TextIO) -> int:
    """Write one JSON array, an element a line."""
    rows = 0
    for item in items:
        stream.write(("[\n" if rows == 0 else ",\n") + _json(view.document(item)))
        rows += 1
    stream.write("\n]\n" if rows else "[]\n")
    return rows


def _json(document: Mapping[str, object], *, indent: int | None = None) -> str:
    """Return JSON with letters as they are. Escape also what steers terminals and JSON would let through."""
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
