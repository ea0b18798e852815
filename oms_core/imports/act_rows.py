"""Acts on orders to be done, shipments or returns: each is a JSON document, or some rows of a CSV file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from oms_core.domain.identifiers import canonical_uuid
from oms_core.domain.import_commands import ImportFormat, ImportReject, key_of_line
from oms_core.imports.act_kinds import ActKind, Command
from oms_core.imports.headers import Wanted
from oms_core.imports.records import Lines
from oms_core.imports.rejects import number_or_text
from oms_core.imports.row_groups import Document, Grouping, read_documents, read_groups

_KEYS = ("order_id", "idempotency_key")
_COUNTS = frozenset({"line_no", "quantity"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActDraft:
    """A good act: the line of the file where it begins, its idempotency key, and its document."""

    line: int
    key: str
    document: Document


def read_act_rows(
    lines: Lines,
    format: ImportFormat,
    columns: Mapping[str, str],
    kind: ActKind[Command],
    *,
    delimiter: str = ",",
    idempotency_key: str | None = None,
) -> Iterator[ActDraft | ImportReject]:
    """Return the good acts and the malformed ones, in the order of the file.

    JSONL has the document that makes a shipment or a return, with its `order_id`. CSV has a row for a whole one,
    without anything of a line (`line_no`, `sku`, `quantity`, ...), or a row for each line of one. Rows that follow each
    other are one act where they have the same order, the same key, and the same of what else tells the kind apart. The
    key of an act is its `idempotency_key`, or else made of its order and the latter, or of an `idempotency_key` for the
    file and the number of its line; without any it is malformed. Raise `validation_error` for a header that lacks a
    column.
    """
    draft = partial(_draft, kind=kind, key_of_file=idempotency_key)
    if format is ImportFormat.JSONL:
        return read_documents(lines, kind.noun, draft)
    wanted = Wanted(ours=kind.columns, required=("order_id",), theirs=columns)
    told_by = (*_KEYS, *kind.told_by)
    rows = Grouping(
        noun=kind.noun,
        names=kind.names,
        identity=partial(_identity, told_by=told_by),
        told_by=told_by,
        shared=tuple(name for name in kind.noun.of_whole if name not in told_by),
        line=partial(_line, of_line=kind.noun.of_line),
        draft=lambda line, document: draft(line, _without_empty_line(document)),
    )
    return read_groups(lines, wanted, rows, delimiter=delimiter)


def _identity(values: Mapping[str, str], told_by: Sequence[str]) -> tuple[str, ...]:
    order_id, *others = (values.get(name, "") for name in told_by)
    return (order_id.lower(), *others)


def _line(values: Mapping[str, str], of_line: Sequence[str]) -> Document:
    """Return a line of an act, empty for a row that says none: it is for all that may be meant."""
    line = {name: value for name in of_line if (value := values.get(name))}
    return {name: number_or_text(value) if name in _COUNTS else value for name, value in line.items()}


def _without_empty_line(document: Document) -> Document:
    if document["lines"] != [{}]:
        return document
    return {name: value for name, value in document.items() if name != "lines"}


def _draft(line: int, document: Document, kind: ActKind[Command], key_of_file: str | None) -> ActDraft:
    if document.get("idempotency_key") is None and (key := _key(line, document, kind, key_of_file)) is not None:
        document["idempotency_key"] = key
    command = kind.read(document)
    return ActDraft(line=line, key=str(command.idempotency_key), document=document)


def _key(line: int, document: Document, kind: ActKind[Command], key_of_file: str | None) -> str | None:
    if all(document.get(name) is None for name in kind.numbers):
        return None if key_of_file is None else key_of_line(key_of_file, line)
    told = [document.get(name) for name in kind.told_by]
    return f"{_order_of(document)}/{hashlib.sha256(json.dumps(told).encode()).hexdigest()}"


def _order_of(document: Document) -> str:
    """Return the id of the order as the core writes it; nothing for one that is none, which is refused."""
    try:
        return canonical_uuid(str(document.get("order_id")))
    except ValueError:
        return ""
