"""The header of a CSV file: which of our columns stands where, whatever its case, its spaces and its name."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oms_core.documents.byte_sources import FileKind, json_kind
from oms_core.domain.import_commands import REASON_COLUMNS, ImportReject
from oms_core.domain.limits import IMPORT_ERRORS_MAX
from oms_core.errors import FieldError, OmsError
from oms_core.imports.records import Lines, RecordFault, read_header
from oms_core.imports.rejects import ORDER, RETURN, SHIPMENT, shorten, width_reject

_REPEATED = frozenset({ORDER.repeated, SHIPMENT.repeated, RETURN.repeated})
_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a header has to have: `ours` are all columns that are read, `required` those of them that must be there.

    One of `either` must be there too. `theirs` maps a column of ours to its name in the file. With `theirs`, further
    columns are passed over; without it, they are refused.
    """

    ours: Sequence[str]
    required: Sequence[str]
    either: Sequence[str] = ()
    theirs: Mapping[str, str]

    def name(self, ours: str) -> str:
        """Return the name of a column of ours in the file."""
        return self.theirs.get(ours, ours)


@dataclass(frozen=True, slots=True)
class Header:
    """What each column of a file is: our name of it, None where it is passed over, `` where it has no heading.

    `reasons` are the places of the columns that only a file of rejects has, by their names.
    """

    columns: tuple[str | None, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def unnamed(self) -> list[int]:
        """The places of columns that have no heading. They must be empty."""
        return [place for place, name in enumerate(self.columns) if name == ""]

    def told_apart(self, fields: Sequence[str]) -> str:
        """Return what keeps apart the orders of one key that follow each other in a file of rejects.

        Empty fields at the end of a row may be missing.
        """
        if not self.reasons or len(fields) <= max(self.reasons["code"], self.reasons["line"]):
            return ""
        return fields[self.reasons["line"]] if fields[self.reasons["code"]] in _REPEATED else ""

    def values(self, line: int, fields: Sequence[str]) -> dict[str, str] | ImportReject:
        """Return a row's values by our names. Further empty fields are ignored; a value without heading is refused."""
        missing = self.columns[len(fields) :]
        if any(fields[len(self.columns) :]) or any(missing):
            return width_reject(line, fields, self.columns)
        values = {name: text for name, text in zip(self.columns, fields, strict=False) if name}
        for text in (fields[place] for place in self.unnamed if place < len(fields)):
            if text.strip():
                detail = f"{shorten(text)!r} stands in a column without a heading"
                return ImportReject(line=line, column=None, code="no_heading", detail=detail, values=values)
        return values


def read_columns(lines: Lines, wanted: Wanted, *, delimiter: str) -> Header:
    """Read the header, which is the first row that is not empty.

    The columns of a file of rejects (`line,column,code,detail`) are passed over if all of them are there. Raise
    `validation_error` for a required column that is missing, one that stands twice, and one that is not read.
    """
    record = read_header(lines, delimiter)
    kind = json_kind(lines.head) or _other_separator(lines.head, wanted, delimiter)
    if isinstance(record, RecordFault):
        raise _header_error(record.line, [_found(kind) if kind else ("", record.code, record.detail)])
    line, cells = record or (1, [])
    ours = {_folded(wanted.name(name)): name for name in wanted.ours}
    names = [_folded(cell) for cell in cells]
    has_reasons = set(REASON_COLUMNS) <= set(names)
    reasons = {name: names.index(name) for name in REASON_COLUMNS} if has_reasons else {}
    findings = _missing(names, wanted)
    if findings and kind:
        raise _header_error(line, [_found(kind)])
    for index, name in enumerate(names):
        if name in names[:index] and name in ours:
            findings.append((shorten(cells[index]), "duplicate_column", "stands twice in the header"))
        elif name and name not in ours and name not in reasons and not wanted.theirs:
            findings.append((shorten(cells[index]), "unknown_column", "is no column that is read"))
    if findings:
        raise _header_error(line, findings, read=wanted.ours)
    return Header(tuple(ours.get(name, None if name or wanted.theirs else "") for name in names), reasons)


def _missing(names: Sequence[str], wanted: Wanted) -> list[tuple[str, str, str]]:
    detail = "is a column that the header must name"
    theirs = [wanted.name(name) for name in wanted.required]
    findings = [(name, "required", detail) for name in theirs if _folded(name) not in names]
    either = [wanted.name(name) for name in wanted.either]
    if either and not any(_folded(name) in names for name in either):
        findings.append((either[0], "required", f"(or {', '.join(either[1:])}) {detail}"))
    return findings


def _other_separator(head: bytes, wanted: Wanted, delimiter: str) -> FileKind | None:
    """Return what is said of a file whose columns are separated by another character; None where that is not so.

    It is the character by which the required columns are found. Where a file has names of its own, it is the one that
    makes the most columns of what is a single one so far.
    """
    line = next((line for line in head.decode(errors="replace").splitlines() if line.strip()), "")
    rows = {other: _split(line, other) for other in _SEPARATORS if other != delimiter}
    rows = {other: cells for other, cells in rows.items() if len(cells) > 1}
    meant = next((other for other, cells in rows.items() if not _missing([*map(_folded, cells)], wanted)), None)
    if meant is None and rows and len(_split(line, delimiter)) == 1:
        meant = max(rows, key=lambda other: len(rows[other]))
    if meant is None:
        return None
    called = _SEPARATORS.get(delimiter, delimiter)
    return FileKind("wrong_delimiter", f"the columns seem to be separated by {_SEPARATORS[meant]}, not by {called}")


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _folded(name: str) -> str:
    return name.strip().casefold()


def _found(kind: FileKind) -> tuple[str, str, str]:
    return "", kind.code, kind.detail


def _header_error(line: int, found: Sequence[tuple[str, str, str]], *, read: Sequence[str] = ()) -> OmsError:
    said = [f"{column} {detail}".strip() for column, _, detail in found[:1]]
    if len(found) > 1:
        said = [f"{len(found)} columns of the header are wrong, the first: {said[0]}"]
    if read:
        said.append(f"what is read: {', '.join(read)}")
    return OmsError(
        "validation_error",
        f"line {line}: " + "; ".join(said),
        errors=[
            FieldError(pointer=f"/{line}/{column}", code=code, detail=detail)
            for column, code, detail in found[:IMPORT_ERRORS_MAX]
        ],
    )
