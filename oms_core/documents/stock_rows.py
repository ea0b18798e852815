"""Rows of stock to import: every column checked as the command of a single change would check it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias, cast

from oms_core.documents.orders import whole
from oms_core.documents.records import Lines, RecordFault, csv_records, json_records
from oms_core.documents.row_reports import check_header, fault_reject, findings_reject, shorten, width_reject
from oms_core.domain import limits
from oms_core.domain.commands import check_reason, check_reference
from oms_core.domain.imports import STOCK_COLUMNS, ImportFormat, ImportMode, ImportReject
from oms_core.domain.validation import Findings

# sku, location, line, quantity, name, reason, reference; what was not given is empty. A plain tuple, since an import
# makes a million of them.
StockRow: TypeAlias = tuple[str, str, int, int, str, str, str]

_REQUIRED = ("sku", "quantity")
_LOCATIONS_REMEMBERED_MAX = 1_000

# What most rows are made of: one expression instead of one check after the other.
_is_plain_sku = re.compile(r"(?!\.{1,2}$)[!-.0-~](?:[ -.0-~]{0,62}[!-.0-~])?").fullmatch
_is_plain_quantity = re.compile(r"[0-9]{1,12}").fullmatch
_is_whole_number = re.compile(r"[+-]?[0-9]{1,18}").fullmatch


class StockRowReader:
    """Reads the rows of one import in mode `mode`; `location` and `reason` are for rows that bring none."""

    def __init__(self, *, mode: ImportMode, location: str, reason: str | None) -> None:
        self._quantity_min = 0 if mode is ImportMode.SET else -limits.COUNT_MAX
        self._needs_reason = mode is ImportMode.ADJUST and reason is None
        self._reason = reason or ""
        self._locations = {"": location}

    def read(self, lines: Lines, format: ImportFormat) -> Iterator[StockRow | ImportReject]:
        """Give the good rows, and the malformed ones with what is wrong, as they come.

        CSV begins with a header of `sku,quantity[,location,name,reason,reference]`, in any order; JSONL has objects
        with these members. Raises `validation_error` for a header that lacks a column or has an unknown one.
        """
        return self._read_csv(lines) if format is ImportFormat.CSV else self._read_json(lines)

    def _read_csv(self, lines: Lines) -> Iterator[StockRow | ImportReject]:
        records = csv_records(lines)
        required = (*_REQUIRED, "reason") if self._needs_reason else _REQUIRED
        header = check_header(next(records, None), allowed=STOCK_COLUMNS, required=required)
        width = len(header)
        # A column that the file does not have is read from the empty field put behind the others.
        pick = itemgetter(*(header.index(name) if name in header else width for name in STOCK_COLUMNS))
        for record in records:
            if isinstance(record, RecordFault):
                yield fault_reject(record)
                continue
            line, fields = record
            if len(fields) != width:
                yield width_reject(line, fields, header)
                continue
            fields.append("")
            columns = pick(fields)
            yield self._plain_row(line, columns) or self._row(
                line, _typed(columns), dict(zip(header, fields, strict=False))
            )

    def _read_json(self, lines: Lines) -> Iterator[StockRow | ImportReject]:
        for record in json_records(lines):
            if isinstance(record, RecordFault):
                yield fault_reject(record)
                continue
            line, document = record
            if unknown := document.keys() - set(STOCK_COLUMNS):
                findings = Findings()
                for name in sorted(unknown):
                    findings.add(f"/{shorten(name)}", "unknown_field", "is not a field of a row")
                yield findings_reject(line, findings, {})
                continue
            yield self._row(line, [document.get(name) for name in STOCK_COLUMNS], document)

    def _plain_row(self, line: int, columns: Sequence[str]) -> StockRow | None:
        """Give a row that can be seen at one glance to be good."""
        sku, quantity, location, name, reason, reference = columns
        reason = reason or self._reason
        if (
            location in self._locations
            and _is_plain_sku(sku)
            and _is_plain_quantity(quantity)
            and (reason or not self._needs_reason)
            and len(name) <= limits.NAME_LENGTH_MAX
            and len(reason) <= limits.REASON_LENGTH_MAX
            and len(reference) <= limits.REFERENCE_LENGTH_MAX
            and (name + reason + reference).isprintable()
        ):
            return sku, self._locations[location], line, int(quantity), name, reason, reference
        return None

    def _row(self, line: int, columns: Sequence[object], values: Mapping[str, object]) -> StockRow | ImportReject:
        sku, quantity, *texts = columns
        quantity = whole(quantity)
        location, name, reason, reference = (None if text == "" else text for text in texts)
        findings = Findings()
        findings.sku("/sku", sku)
        findings.whole_number("/quantity", quantity, lowest=self._quantity_min)
        if location is not None:
            findings.location("/location", location)
        if name is not None:
            findings.text("/name", name, longest=limits.NAME_LENGTH_MAX)
        if reason is None and self._needs_reason:
            findings.add("/reason", "required", "is required: give each row a reason, or one for all of them")
        check_reason(findings, reason)
        check_reference(findings, reference)
        if findings.errors:
            return findings_reject(line, findings, values)
        if len(self._locations) < _LOCATIONS_REMEMBERED_MAX:
            self._locations[str(location or "")] = str(location or self._locations[""])
        return cast(
            "StockRow",
            (sku, location or self._locations[""], line, quantity, name or "", reason or self._reason, reference or ""),
        )


def _typed(columns: Sequence[str]) -> list[object]:
    """Give the columns of a CSV row as JSON would have them."""
    typed: list[object] = list(columns)
    if _is_whole_number(columns[1]):
        typed[1] = int(columns[1])
    return typed
