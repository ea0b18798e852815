"""The route that imports stock, a file of any length at a time, in bounded memory."""

from __future__ import annotations

from types import MappingProxyType

from flask import Response

from oms_core.documents.import_reports import show_stock_import
from oms_core.domain import limits
from oms_core.domain.import_commands import ImportFormat, ImportMode, ImportStock
from oms_core.domain.validation import Findings
from oms_http.app_state import Service
from oms_http.exports import CSV_TYPE
from oms_http.import_answers import DRY_RUN, IMPORT_BODY_BYTES_MAX, SWITCH_SCHEMA, FirstRejects, skip_bad
from oms_http.inventory.stock_schemas import ImportReport
from oms_http.openapi import headers
from oms_http.openapi.operation import WRITING, Answer, Operation, TextBody
from oms_http.queries import QueryParameter, read_switch
from oms_http.requests import Request, check_media_type, note_idempotency_key
from oms_http.responses import NO_STORE, REPLAYED, json_response

_MODES = MappingProxyType({mode.value: mode for mode in ImportMode})


def _read_reason(findings: Findings, pointer: str, text: str) -> str:
    findings.prose(pointer, text, longest=limits.REASON_LENGTH_MAX)
    return text


def _read_mode(findings: Findings, pointer: str, text: str) -> ImportMode | None:
    mode = _MODES.get(text.lower())
    if mode is None:
        findings.add(pointer, "unknown_mode", f"must be one of {', '.join(_MODES)}")
    return mode


IMPORT_PARAMETERS = (
    QueryParameter(
        name="mode",
        description="Whether quantities are counts (set) or differences (adjust, which needs an idempotency key).",
        schema={"type": "string", "enum": list(_MODES), "default": ImportMode.SET.value},
        read=_read_mode,
    ),
    DRY_RUN,
    QueryParameter(
        name="existing_only",
        description="Refuse SKUs and locations that are not there yet.",
        schema=SWITCH_SCHEMA,
        read=read_switch,
    ),
    skip_bad("Apply the good rows although others are malformed."),
    QueryParameter(
        name="reason",
        description="Why, for rows that have no reason of their own.",
        schema={"$ref": "#/components/schemas/Reason"},
        read=_read_reason,
    ),
)


@Operation(
    id="importStock",
    method="POST",
    path="/v1/inventory/import",
    tag="inventory",
    summary="Import counts or differences from a CSV file",
    description="A malformed row stops the import before anything changes, unless `skip_bad`. Rows that the "
    "present stock refuses do not stop it: they are among the rejects. With an idempotency key the same import can "
    "be sent again, and goes on where it stopped. The report names products and locations that were new.",
    use_cases=("imports.stock",),
    query=IMPORT_PARAMETERS,
    headers=(headers.IDEMPOTENCY_KEY,),
    body=TextBody(
        description="A header of `sku,quantity[,location,name,reason,reference]` in any order, then a row each.",
        examples={"text/csv": "sku,quantity,location\nWIDGET,25,main\nGADGET,10,main\n"},
    ),
    answers=(
        Answer(
            status=200,
            description="What became of the rows.",
            schema=ImportReport,
            headers=(headers.NO_STORE, headers.REPLAYED),
        ),
    ),
    errors=(*WRITING, "idempotency_key_reused", "idempotency_key_in_use"),
)
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
    rejects = FirstRejects()
    report = service.oms.imports.stock(command, request.stream, caller=request.caller, rejects=rejects.add)
    sent = [NO_STORE, REPLAYED] if report.was_done else [NO_STORE]
    return json_response({**show_stock_import(report), "rejects": rejects.shown}, headers=sent)
