"""The route that exports stock, as an import of counts reads it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from flask import Response

from oms_core.documents.exports import STOCK_EXPORT_COLUMNS, stock_export_rows
from oms_core.domain.import_commands import ImportFormat
from oms_core.domain.stock.products import Product, ProductFilter
from oms_http.app_state import Service
from oms_http.exports import EXPORT, FORMAT, csv_pieces, export_response, json_line_pieces
from oms_http.inventory.stock import LOW_STOCK_PARAMETER
from oms_http.openapi.operation import GUARDED, Operation
from oms_http.requests import Request


@Operation(
    id="exportStock",
    method="GET",
    path="/v1/inventory/export",
    tag="inventory",
    summary="Export what is on hand of every product at every location",
    description="`sku,quantity,location,name`, as an import of counts reads it. Products that were never counted are "
    "left out. The file is whole, or the answer is an error.",
    use_cases=("stock.export",),
    query=(FORMAT, LOW_STOCK_PARAMETER),
    takes_long=True,
    answers=(EXPORT,),
    errors=GUARDED,
)
def export_stock(service: Service, request: Request) -> Response:
    """Return the counts of all products, as a file."""
    wanted = ProductFilter(low_stock=request.parameters.get("low_stock", False))
    export = service.oms.stock.export(wanted, caller=request.caller)
    return export_response(request, export, partial(_pieces, export), "inventory")


def _pieces(products: Iterable[Product], format: ImportFormat) -> Iterable[str]:
    rows = (row for product in products for row in stock_export_rows(product))
    if format is ImportFormat.JSONL:
        return json_line_pieces(dict(zip(STOCK_EXPORT_COLUMNS, row, strict=True)) for row in rows)
    return csv_pieces(STOCK_EXPORT_COLUMNS, rows)
