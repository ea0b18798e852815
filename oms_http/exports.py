"""Answers that are files: an export is written to a temporary file whole, then sent at the pace of its reader.

So a failure half-way is an error, and never a cut file that looks whole. The answer says how long it is.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from types import MappingProxyType
from typing import IO, Protocol

from flask import Response
from werkzeug.wsgi import wrap_file

from oms_core.documents.csv_guard import csv_writer, guard
from oms_core.documents.exports import Cells
from oms_core.domain.import_commands import ImportFormat
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError
from oms_http.openapi import headers
from oms_http.openapi.operation import Answer
from oms_http.queries import QueryParameter
from oms_http.requests import Request
from oms_http.responses import NO_STORE, encode_json

EXPORT_BYTES_MAX = 1024 * 1024 * 1024
CSV_TYPE, JSON_LINES_TYPE = "text/csv", "application/jsonl"
# What the server wants called by a request whose time says nothing of the load.
BEGIN_WAITING = "oms.begin_waiting"

_PIECE_CHARACTERS = 64 * 1024
_FORMATS = MappingProxyType({each.value: each for each in ImportFormat})
_TYPES = MappingProxyType({ImportFormat.CSV: f"{CSV_TYPE}; charset=utf-8", ImportFormat.JSONL: JSON_LINES_TYPE})


def _read_format(findings: Findings, pointer: str, text: str) -> ImportFormat | None:
    if text not in _FORMATS:
        findings.add(pointer, "unknown_format", f"must be one of {', '.join(_FORMATS)}")
    return _FORMATS.get(text)


FORMAT = QueryParameter(
    name="format",
    description="CSV with a header, or JSON Lines.",
    schema={"type": "string", "enum": list(_FORMATS), "default": ImportFormat.CSV.value},
    read=_read_format,
)
EXPORT = Answer(
    status=200,
    description="The file, whole.",
    media_type=CSV_TYPE,
    further_types=(JSON_LINES_TYPE,),
    headers=(headers.NO_STORE, headers.CONTENT_DISPOSITION, headers.REPLICA_LAG),
)


class Aged(Protocol):
    """What tells, once it was read, how old one of its things was at most."""

    @property
    def replica_lag_seconds(self) -> float | None:
        """Seconds, or None where all of it was read from the primary."""


def export_response(
    request: Request, export: Aged, pieces: Callable[[ImportFormat], Iterable[str]], name: str
) -> Response:
    """Answer with the file that the pieces are in the format asked for. HEAD is answered without reading anything.

    Raise `validation_error` where it is larger than 1 GiB, and `storage_unavailable` where there is no room for it.
    """
    format = request.parameters.get("format", ImportFormat.CSV)
    given = [
        ("Content-Type", _TYPES[format]),
        ("Content-Disposition", f'attachment; filename="{name}.{format}"'),
        NO_STORE,
    ]
    if request.method == "HEAD":
        return Response(headers=given)
    request.environ.get(BEGIN_WAITING, _nothing)()
    with _file_errors():
        file = tempfile.TemporaryFile()  # noqa: SIM115  The answer closes it.
    try:
        size = _write(file, pieces(format))
    except BaseException:
        file.close()
        raise
    if (lag := export.replica_lag_seconds) is not None:
        given.append(("OMS-Replica-Lag", f"{math.ceil(lag * 1_000) / 1_000:.3f}"))
    given.append(("Content-Length", str(size)))
    return Response(wrap_file(request.environ, file), headers=given, direct_passthrough=True)


def csv_pieces(columns: Sequence[str], rows: Iterable[Cells]) -> Iterator[str]:
    """Return a CSV file in pieces of some 64 KiB: a header and the rows. No spreadsheet takes a cell for a formula."""
    text = StringIO()
    writer = csv_writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([guard("" if cell is None else cell) for cell in row])
        if text.tell() >= _PIECE_CHARACTERS:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def json_line_pieces(documents: Iterable[object]) -> Iterator[str]:
    """Return JSON Lines, one at a time."""
    for document in documents:
        yield f"{encode_json(document).decode()}\n"


def _write(file: IO[bytes], pieces: Iterable[str]) -> int:
    size = 0
    for piece in pieces:
        encoded = piece.encode()
        size += len(encoded)
        if size > EXPORT_BYTES_MAX:
            raise one_finding(
                "", "too_large", f"the file is larger than {EXPORT_BYTES_MAX} bytes; ask for a part of it"
            )
        with _file_errors():
            file.write(encoded)
    with _file_errors():
        file.seek(0)
    return size


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        detail = f"the temporary file of the export cannot be kept (TMPDIR chooses its folder): {error.strerror}"
        raise OmsError("storage_unavailable", detail) from error


def _nothing() -> None:
    """Do nothing: another server measures nothing."""
