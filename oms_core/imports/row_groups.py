"""Rows of a CSV file that follow each other and are one order, one shipment or one return."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeAlias, TypeVar

from oms_core.domain.import_commands import ImportReject
from oms_core.domain.numbers import parse_digits
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.imports.headers import Header, Wanted, read_columns
from oms_core.imports.records import Lines, RecordFault, csv_records, json_records
from oms_core.imports.rejects import (
    ROUNDED,
    ROWS_KEPT_MAX,
    Noun,
    document_reject,
    error_reject,
    fault_reject,
    is_rounded,
    whole_values,
)

Document: TypeAlias = dict[str, object]
Draft = TypeVar("Draft")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping(Generic[Draft]):
    """How rows become drafts.

    Rows with the same `identity` (which raises for a row without one) are one. All of them say the same in the columns
    `told_by`, by which they are told apart; of the columns `shared`, several may say the same, or nothing. `line` makes
    the document of a line from a row. `draft` checks the whole document, whose first row is in this line of the file.
    `names` are the columns whose texts a spreadsheet may have taken for numbers.
    """

    noun: Noun
    names: Sequence[str]
    identity: Callable[[Mapping[str, str]], tuple[str, ...]]
    told_by: Sequence[str] = ()
    shared: Sequence[str]
    line: Callable[[Mapping[str, str]], Document]
    draft: Callable[[int, Document], Draft]


def read_groups(
    lines: Lines, wanted: Wanted, grouping: Grouping[Draft], *, delimiter: str
) -> Iterator[Draft | ImportReject]:
    """Return the good ones and the malformed ones, in the order of the file, each once its last row was read.

    A row that cannot be read spoils those that it may belong to: the one whose rows are around it, or before and after.
    Raise `validation_error` for a header that is not as `wanted`.
    """
    header = read_columns(lines, wanted, delimiter=delimiter)
    group: _Group[Draft] | None = None
    bad_line: int | None = None
    for record in csv_records(lines, delimiter):
        row = _read_row(record, header, grouping)
        if isinstance(row, ImportReject):
            yield row
            bad_line = row.line
            if group is not None:
                group.bad_line = bad_line
            continue
        if group is None or group.identity != row.identity:
            if group is not None:
                yield group.close()
            group = _begin(row, grouping, bad_line)
        group.add(row)
        bad_line = None
    if group is not None:
        yield group.close()


def read_documents(lines: Lines, noun: Noun, draft: Callable[[int, Document], Draft]) -> Iterator[Draft | ImportReject]:
    """Return the good documents of JSON Lines and the malformed ones."""
    for record in json_records(lines):
        if isinstance(record, RecordFault):
            yield fault_reject(record)
            continue
        line, document = record
        try:
            yield draft(line, document)
        except OmsError as error:
            yield document_reject(noun, line, document, error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    line: int
    identity: tuple[str, ...]
    values: Mapping[str, str]


def _read_row(
    record: tuple[int, list[str]] | RecordFault, header: Header, grouping: Grouping[Draft]
) -> _Row | ImportReject:
    if isinstance(record, RecordFault):
        return fault_reject(record)
    line, fields = record
    values = header.values(line, fields)
    if isinstance(values, ImportReject):
        return values
    try:
        identity = grouping.identity(values)
    except OmsError as error:
        return error_reject(line, error, values)
    for name in grouping.names:
        if is_rounded(values.get(name, "")):
            return error_reject(line, one_finding(f"/{name}", *ROUNDED), values)
    return _Row(line=line, identity=(*identity, header.told_apart(fields)), values=values)


@dataclass(slots=True, kw_only=True)
class _Group(Generic[Draft]):
    """One whose rows are still coming. `bad_line`: one before or among them that cannot be read."""

    grouping: Grouping[Draft]
    line: int
    identity: tuple[str, ...]
    bad_line: int | None
    document: Document
    lines: list[Document] = field(default_factory=list)
    line_numbers: list[int] = field(default_factory=list)
    rows: list[Mapping[str, str]] = field(default_factory=list)
    row_count: int = 0
    conflict: ImportReject | None = None

    def add(self, row: _Row) -> None:
        """Add the next row. Of one with too many lines, no more is kept than shows that it has."""
        self.row_count += 1
        for name in self.grouping.shared:
            if (value := row.values.get(name)) and self.document.setdefault(name, value) != value:
                detail = f"{name} is not what line {self.line} gives for the same {self.grouping.noun.name}"
                self.conflict = self.conflict or ImportReject(
                    line=row.line, column=name, code="conflicting_value", detail=detail, values=row.values
                )
        if len(self.lines) < ROWS_KEPT_MAX:
            self.rows.append(row.values)
            self.lines.append(self.grouping.line(row.values))
            self.line_numbers.append(row.line)

    def close(self) -> Draft | ImportReject:
        """Return the draft of all rows that have come, or why they are malformed."""
        closed = self._close()
        if not isinstance(closed, ImportReject):
            return closed
        detail = closed.detail
        if self.row_count > len(self.rows):
            detail += f"; of its {self.row_count} lines the first {len(self.rows)} are kept"
        return replace(closed, detail=detail, rows=tuple(self.rows))

    def _close(self) -> Draft | ImportReject:
        noun = self.grouping.noun
        if self.bad_line is not None:
            detail = f"line {self.bad_line}, which may belong to this {noun.name}, cannot be read"
            values = whole_values(noun, self.document)
            return ImportReject(
                line=self.line, column=None, code=f"incomplete_{noun.name}", detail=detail, values=values
            )
        if self.conflict is not None:
            return self.conflict
        try:
            return self.grouping.draft(self.line, {**self.document, "lines": self.lines})
        except OmsError as error:
            return self._reject(error)

    def _reject(self, error: OmsError) -> ImportReject:
        """Report an error that points into the document by the row and the column of the file."""
        reject = error_reject(self.line, error, self.document, named=self._named)
        match (reject.column or "").split("/"):
            case ["lines", index]:
                return replace(reject, line=self._line_number(index), column=None)
            case ["lines", index, column]:
                return replace(reject, line=self._line_number(index), column=column)
        return reject

    def _named(self, pointer: str) -> str:
        """Return the name of a value in the file: its column, and its line where there are several."""
        match pointer.split("/"):
            case ["", "lines", index]:
                return f"line {self._line_number(index)}"
            case ["", "lines", index, column] if len(self.line_numbers) > 1:
                return f"{column} of line {self._line_number(index)}"
            case ["", "lines", _, column]:
                return column
        return pointer.removeprefix("/")

    def _line_number(self, index: str) -> int:
        return self.line_numbers[parse_digits(index)]


def _begin(row: _Row, grouping: Grouping[Draft], bad_line: int | None) -> _Group[Draft]:
    document: Document = {name: value for name in grouping.told_by if (value := row.values.get(name))}
    return _Group(grouping=grouping, line=row.line, identity=row.identity, bad_line=bad_line, document=document)
