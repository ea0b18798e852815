"""The route that imports stock, a file of any length at a time, in bounded memory."""

from __future__ import annotations

from flask import Response

from oms_core.documents.import_reports import show_stock_import
from oms_core.domain.import_commands import ImportFormat, ImportMode, ImportReject, ImportStock
from oms_http.app_state import Service
from oms_http.requests import Request, check_media_type, note_idempotency_key
from oms_http.responses import NO_STORE, REPLAYED, json_response

CSV_TYPE = "text/csv"
IMPORT_BODY_BYTES_MAX = 1024 * 1024 * 1024
REJECTS_SHOWN_MAX = 100


def import_stock(service: Service, request: Request) -> Response:
    """Set or adjust stock from the rows of the body, which is read once and never held whole."""
    check_media_type(request, CSV_TYPE)
    request.max_content_length = IMPORT_BODY_BYTES_MAX
    key = note_idempotency_key(request)
    request.findings.raise_if_any()
    asked = request.parameters
    command = ImportStock(
        mode=asked.get("mode", ImportMode.SET),
        format=ImportFormat.CSV,
        skip_bad=asked.get("skip_bad", False),
        dry_run=asked.get("dry_run", False),
        existing_only=asked.get("existing_only", False),
        reason=asked.get("reason"),
        idempotency_key=key,
    )
    rejects = _FirstRejects()
    report = service.oms.imports.stock(command, request.stream, caller=request.caller, rejects=rejects.add)
    headers = [NO_STORE, REPLAYED] if report.was_done else [NO_STORE]
    return json_response({**show_stock_import(report), "rejects": rejects.shown}, headers=headers)


class _FirstRejects:
    """The first rejects of an import; the others are only counted, in the report."""

    def __init__(self) -> None:
        self.shown: list[dict[str, object]] = []

    def add(self, reject: ImportReject) -> None:
        if len(self.shown) < REJECTS_SHOWN_MAX:
            self.shown.append(
                {
                    "line": reject.line,
                    "column": reject.column,
                    "code": reject.code,
                    "detail": reject.detail,
                    "values": dict(reject.values),
                }
            )
