"""The routes that carry orders as files: an export, and an import in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from flask import Response

from oms_core.documents.exports import ORDER_EXPORT_COLUMNS, order_export_rows
from oms_core.documents.import_reports import show_order_import
from oms_core.documents.orders import show_order
from oms_core.domain.import_commands import ImportFormat, ImportOrders
from oms_core.domain.orders.order import Order, OrderFilter
from oms_http.app_state import Service
from oms_http.exports import CSV_TYPE, EXPORT, FORMAT, JSON_LINES_TYPE, csv_pieces, export_response, json_line_pieces
from oms_http.import_answers import DRY_RUN, IMPORT_BODY_BYTES_MAX, FirstRejects, skip_bad
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WRITING, Answer, Operation, TextBody
from oms_http.orders.lookups import ORDER_FILTERS
from oms_http.orders.order_file_schemas import OrderImportReport
from oms_http.requests import Request, check_media_type, note_idempotency_key
from oms_http.responses import NO_STORE, REPLAYED, json_response


@Operation(
    id="exportOrders",
    method="GET",
    path="/v1/orders/export",
    tag="orders",
    summary="Export orders with their lines, the oldest first",
    description="CSV has a row for each line of an order, JSON Lines an order each. The file is whole, or the answer "
    "is an error.",
    use_cases=("orders.export",),
    query=(FORMAT, *ORDER_FILTERS),
    takes_long=True,
    answers=(EXPORT,),
    errors=GUARDED,
)
def export_orders(service: Service, request: Request) -> Response:
    """Return every order that the filters find, as a file."""
    asked = {name: value for name, value in request.parameters.items() if name != FORMAT.name}
    wanted = OrderFilter(statuses=asked.pop("status", frozenset()), oldest_first=True, **asked)
    export = service.oms.orders.export(wanted, caller=request.caller)
    return export_response(request, export, partial(_pieces, export), "orders")


@Operation(
    id="importOrders",
    method="POST",
    path="/v1/orders/import",
    tag="orders",
    summary="Import orders from a file of CSV or JSON Lines",
    description="Each order is all or nothing, in the order of the file. A malformed one stops the import before "
    "anything is placed, unless `skip_bad`. Orders that the present stock refuses do not stop it: they are among the "
    "rejects. Each order has an idempotency key, which is its reference where it gives none, so the same file can be "
    "sent again: it goes on where it stopped. A JSON line without either takes the request's idempotency key and the "
    "number of its line. No limit of orders applies, hence the further scope.",
    use_cases=("imports.orders",),
    query=(DRY_RUN, skip_bad("Place the good orders although others are malformed.")),
    headers=(headers.IDEMPOTENCY_KEY,),
    body=TextBody(
        description="CSV: a header of `customer_id,sku,quantity` and `reference` or `idempotency_key` or both, besides "
        "`currency,unit_price,metadata,hold_seconds`, in any order, then a row for each line of an order. JSON Lines: "
        "what POST /v1/orders takes, with an `idempotency_key`, one order a line.",
        examples={
            CSV_TYPE: "reference,customer_id,sku,quantity,unit_price\nWEB-1,C-1001,WIDGET,2,12.50\n",
            JSON_LINES_TYPE: '{"idempotency_key": "WEB-2", "customer_id": "C-1001", '
            '"lines": [{"sku": "WIDGET", "quantity": 1, "unit_price": "12.50"}]}\n',
        },
    ),
    answers=(
        Answer(
            status=200,
            description="What became of the orders.",
            schema=OrderImportReport,
            headers=(headers.NO_STORE, headers.REPLAYED),
        ),
    ),
    errors=WRITING,
)
def import_orders(service: Service, request: Request) -> Response:
    """Place the orders of the body, which is read once and never held whole."""
    format = ImportFormat.JSONL if request.mimetype == JSON_LINES_TYPE else ImportFormat.CSV
    check_media_type(request, JSON_LINES_TYPE if format is ImportFormat.JSONL else CSV_TYPE)
    request.max_content_length = IMPORT_BODY_BYTES_MAX
    key = note_idempotency_key(request)
    request.findings.raise_if_any()
    asked = request.parameters
    command = ImportOrders(
        format=format,
        skip_bad=asked.get("skip_bad", False),
        dry_run=asked.get("dry_run", False),
        idempotency_key=key,
    )
    rejects = FirstRejects()
    report = service.oms.imports.orders(command, request.stream, caller=request.caller, rejects=rejects.add)
    was_done = report.replayed == report.orders > 0
    return json_response(
        {**show_order_import(report), "rejects": rejects.shown},
        headers=[NO_STORE, REPLAYED] if was_done else [NO_STORE],
    )


def _pieces(orders: Iterable[Order], format: ImportFormat) -> Iterable[str]:
    if format is ImportFormat.JSONL:
        return json_line_pieces(map(show_order, orders))
    return csv_pieces(ORDER_EXPORT_COLUMNS, (row for order in orders for row in order_export_rows(order)))
