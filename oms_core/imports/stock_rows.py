"""Rows of stock to import: every column is checked as the command of a single change checks it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias, cast

from oms_core.documents.orders import whole
from oms_core.domain import limits
from oms_core.domain.commands import check_reason
from oms_core.domain.import_commands import STOCK_COLUMNS, ImportFormat, ImportMode, ImportReject
from oms_core.domain.orders.details import check_reference
from oms_core.domain.stock.locations import folded
from oms_core.domain.validation import Findings
from oms_core.imports.headers import Header, Wanted, read_columns
from oms_core.imports.records import CsvRun, Lines, RecordFault, csv_runs, json_records, without_blank
from oms_core.imports.rejects import ROUNDED, fault_reject, findings_reject, is_rounded, number_or_text, shorten

# sku, location, line, quantity, name, reason, reference; what is not in the file is empty. It is a plain tuple, since
# an import makes a million of them.
StockRow: TypeAlias = tuple[str, str, int, int, str, str, str]

LOCATIONS_COMPARED_MAX = 10_000

_REQUIRED = ("sku", "quantity")
_LOCATIONS_REMEMBERED_MAX = 1_000
_UNKNOWN_FIELDS_TOLD_MAX = 10

_HALVED_DOWN_TO = 50
_PLAIN_QUANTITY_MAX = 12  # Characters: below the bound of any count.


def _no_fault(location: str) -> None:
    """Find nothing wrong with a location."""


class StockRowReader:
    """Reads the rows of one import in mode `mode`; `location` and `reason` are for rows that have none.

    `columns` are the names that our columns have in a CSV file, `delimiter` is what stands between its fields.
    `location_fault` returns the code and the detail of what is wrong with a location, None where nothing is. A SKU of
    CSV that a spreadsheet has rounded is malformed where `creates_products`.
    """

    def __init__(
        self,
        *,
        mode: ImportMode,
        location: str,
        reason: str | None,
        columns: Mapping[str, str] = MappingProxyType({}),
        delimiter: str = ",",
        location_fault: Callable[[str], tuple[str, str] | None] = _no_fault,
        creates_products: bool = True,
    ) -> None:
        self._location_fault = location_fault
        self._creates_products = creates_products
        self._columns = columns
        self._delimiter = delimiter
        self._quantity_min = 0 if mode is ImportMode.SET else -limits.COUNT_MAX
        self._needs_reason = mode is ImportMode.ADJUST and reason is None
        self._reason = reason or ""
        self._locations = {"": location}

    def read(self, lines: Lines, format: ImportFormat) -> Iterator[Sequence[StockRow | ImportReject]]:
        """Return the good rows, and the malformed ones with what is wrong, in the order of the file, some at a time.

        CSV begins with a header of `sku,quantity[,location,name,reason,reference]`, in any order. JSONL has objects
        with these members. `lines` counts the empty rows; a sequence is empty where there is nothing else.
        Raise `validation_error` for a header that lacks a column or has an unknown one.
        """
        return self._read_csv(lines) if format is ImportFormat.CSV else self._read_json(lines)

    def _read_csv(self, lines: Lines) -> Iterator[Sequence[StockRow | ImportReject]]:
        required = (*_REQUIRED, "reason") if self._needs_reason else _REQUIRED
        wanted = Wanted(ours=STOCK_COLUMNS, required=required, theirs=self._columns)
        header = read_columns(lines, wanted, delimiter=self._delimiter)
        for run in csv_runs(lines, self._delimiter):
            if isinstance(run, RecordFault):
                yield [fault_reject(run)]
            elif good := self._plain_rows(run, header):
                yield good
            else:
                yield from self._read_run(without_blank(lines, run), header)

    def _read_json(self, lines: Lines) -> Iterator[Sequence[StockRow | ImportReject]]:
        for record in json_records(lines):
            if isinstance(record, RecordFault):
                yield [fault_reject(record)]
                continue
            line, document = record
            findings = Findings()
            for name in sorted(document.keys() - set(STOCK_COLUMNS))[:_UNKNOWN_FIELDS_TOLD_MAX]:
                findings.add(f"/{shorten(name)}", "unknown_field", "is not a field of a row")
            values = {name: document[name] for name in STOCK_COLUMNS if name in document}
            yield [self._row(line, [document.get(name) for name in STOCK_COLUMNS], values, findings)]

    def _read_run(self, run: CsvRun, header: Header) -> Iterator[Sequence[StockRow | ImportReject]]:
        """Check many rows at once; where there may be something to find, check each half, and a few rows one by one."""
        if good := self._plain_rows(run, header):
            yield good
        elif len(run.rows) > _HALVED_DOWN_TO:
            middle = len(run.rows) // 2
            yield from self._read_run(CsvRun(run.lines[:middle], run.rows[:middle]), header)
            yield from self._read_run(CsvRun(run.lines[middle:], run.rows[middle:]), header)
        else:
            yield [self._csv_row(line, fields, header) for line, fields in zip(run.lines, run.rows, strict=True)]

    def _plain_rows(self, run: CsvRun, header: Header) -> list[StockRow] | None:
        """Check columns instead of rows, which is five times as fast; return None if there may be something to find."""
        if set(map(len, run.rows)) != {len(header.columns)}:
            return None
        by_place = list(zip(*run.rows, strict=True))
        columns = dict(zip(header.columns, by_place, strict=True))
        if any(any(by_place[place]) for place in header.unnamed):
            return None
        nothing = ("",) * len(run.rows)
        locations, names, reasons, references = (columns.get(name, nothing) for name in STOCK_COLUMNS[2:])
        quantities = self._plain_quantities(columns["quantity"])
        if (
            quantities is None
            or not _are_plain_skus(columns["sku"])
            or not self._locations.keys() >= set(locations)
            or (self._needs_reason and "" in reasons)
            or not _are_plain_texts(names, limits.NAME_LENGTH_MAX)
            or not _are_plain_texts(reasons, limits.REASON_LENGTH_MAX)
            or not _are_plain_references(references)
        ):
            return None
        places = map(self._locations.__getitem__, locations)
        if self._reason and "" in reasons:
            reasons = tuple(reason or self._reason for reason in reasons)
        return list(zip(columns["sku"], places, run.lines, quantities, names, reasons, references, strict=True))

    def _plain_quantities(self, texts: Sequence[str]) -> list[int] | None:
        digits = "".join(texts)
        if self._quantity_min < 0:
            digits = digits.replace("-", "")
        if not (digits.isascii() and digits.isdigit() and all(texts)) or max(map(len, texts)) > _PLAIN_QUANTITY_MAX:
            return None
        try:
            return list(map(int, texts))
        except ValueError:  # A sign that is not in front.
            return None

    def _csv_row(self, line: int, fields: Sequence[str], header: Header) -> StockRow | ImportReject:
        values = header.values(line, fields)
        if isinstance(values, ImportReject):
            return values
        columns: list[object] = [values.get(name) for name in STOCK_COLUMNS]
        columns[1] = number_or_text(values["quantity"])
        findings = Findings()
        if self._creates_products and is_rounded(values["sku"]):
            findings.add("/sku", *ROUNDED)
        return self._row(line, columns, values, findings)

    def _row(
        self, line: int, columns: Sequence[object], values: Mapping[str, object], findings: Findings
    ) -> StockRow | ImportReject:
        sku, quantity, *texts = columns
        quantity = whole(quantity)
        location, name, reason, reference = (None if text == "" else text for text in texts)
        findings.sku("/sku", sku)
        findings.whole_number("/quantity", quantity, lowest=self._quantity_min)
        if location is not None:
            self._check_location(findings, location)
        if name is not None:
            findings.prose("/name", name, longest=limits.NAME_LENGTH_MAX)
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

    def _check_location(self, findings: Findings, location: object) -> None:
        before = len(findings.errors)
        findings.location("/location", location)
        if len(findings.errors) == before and (fault := self._location_fault(str(location))):
            findings.add("/location", *fault)


class KnownLocations:
    """The locations that rows may name: those of the settings, those that have stock, and those of earlier rows.

    `named` are those of the settings. `stored` reads those that have stock; it is called once, and only for a location
    that the settings do not name. `new` are the others that rows have named; with `existing_only` they are refused.
    """

    def __init__(
        self, named: Sequence[str], stored: Callable[[int], Collection[str]], *, existing_only: bool = False
    ) -> None:
        self._stored = stored
        self._is_read = False
        self._existing_only = existing_only
        self._known: set[str] = set()
        self._by_likeness: dict[str, str] = {}
        self.new: list[str] = []
        self._learn(named)

    def fault(self, location: str) -> tuple[str, str] | None:
        """Return the code and the detail of what is wrong with a location; None where nothing is."""
        if location in self._known:
            return None
        if not self._is_read:
            self._is_read = True
            self._learn(self._stored(LOCATIONS_COMPARED_MAX))
            return self.fault(location)
        other = self._by_likeness.get(folded(location))
        if other is not None:
            return "similar_location", f"differs from the location {other} in nothing but case or width"
        if self._existing_only:
            return "unknown_location", "is no location of OMS_LOCATIONS, nor one that has stock"
        if len(self.new) < LOCATIONS_COMPARED_MAX:
            self.new.append(location)
            self._learn([location])
        return None

    def _learn(self, locations: Collection[str]) -> None:
        self._known.update(locations)
        for location in locations:
            self._by_likeness.setdefault(folded(location), location)


def _are_plain_skus(values: Sequence[str]) -> bool:
    """Return whether all are short names of printable ASCII without spaces, and none is a number with an exponent."""
    together = "".join(values)
    return (
        together.isascii()
        and together.isprintable()
        and " " not in together
        and "/" not in together
        and "+" not in together
        and all(values)
        and max(map(len, values)) <= limits.SKU_LENGTH_MAX
        and not {".", ".."}.intersection(values)
    )


def _are_plain_references(values: Sequence[str]) -> bool:
    """Return whether all are short, of printable ASCII, without spaces."""
    together = "".join(values)
    return (
        together.isascii()
        and together.isprintable()
        and " " not in together
        and max(map(len, values)) <= limits.REFERENCE_LENGTH_MAX
    )


def _are_plain_texts(values: Sequence[str], longest: int) -> bool:
    return "".join(values).isprintable() and max(map(len, values)) <= longest
