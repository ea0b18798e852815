"""The operations on stock."""

from __future__ import annotations

from oms_http.inventory import stock, stock_imports
from oms_http.inventory.stock_schemas import (
    AdjustmentRequest,
    ImportReport,
    MovementPage,
    Product,
    ProductPage,
    StockRequest,
)
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WRITING, Answer, Operation, TextBody
from oms_http.parameters import IMPORT_PARAMETERS, PRODUCT_LIST_PARAMETERS
from oms_http.queries import PAGE_PARAMETERS

_TAG = "inventory"
_PRODUCT = Answer(status=200, description="The product.", schema=Product, headers=(headers.ETAG, headers.REVALIDATE))

INVENTORY_OPERATIONS = (
    Operation(
        id="setStock",
        method="PUT",
        path="/v1/inventory/{sku}",
        tag=_TAG,
        summary="Create a product, or set its count, name or threshold",
        description="Only what is given changes.",
        view=stock.set_stock,
        use_cases=("stock.set",),
        headers=(headers.IF_MATCH_PRODUCT, headers.IF_ABSENT),
        body=StockRequest,
        answers=(
            _PRODUCT,
            Answer(
                status=201,
                description="The product was created.",
                schema=Product,
                headers=(headers.LOCATION, headers.ETAG, headers.REVALIDATE),
                creates="sku",
            ),
        ),
        errors=(*WRITING, "version_mismatch", "stock_count_mismatch", "stock_below_reserved"),
    ),
    Operation(
        id="getProduct",
        method="GET",
        path="/v1/inventory/{sku}",
        tag=_TAG,
        summary="Get a product's stock",
        view=stock.get_product,
        use_cases=("stock.get",),
        headers=(headers.IF_NONE_MATCH,),
        answers=(
            _PRODUCT,
            Answer(status=304, description="Unchanged.", media_type=None, headers=(headers.ETAG, headers.REVALIDATE)),
        ),
        errors=(*GUARDED, "sku_not_found"),
    ),
    Operation(
        id="deleteProduct",
        method="DELETE",
        path="/v1/inventory/{sku}",
        tag=_TAG,
        summary="Delete a product that was never used",
        description="One that has moved, or that an order names, stays.",
        view=stock.delete_product,
        use_cases=("stock.delete",),
        offers_example=False,
        headers=(headers.IF_MATCH_PRODUCT,),
        answers=(Answer(status=204, description="It is gone.", media_type=None, headers=(headers.NO_STORE,)),),
        errors=(*GUARDED, "outcome_unknown", "sku_not_found", "version_mismatch", "product_in_use"),
    ),
    Operation(
        id="listProducts",
        method="GET",
        path="/v1/inventory",
        tag=_TAG,
        summary="List products with their stock, by SKU",
        view=stock.list_products,
        use_cases=("stock.list",),
        query=PRODUCT_LIST_PARAMETERS,
        answers=(
            Answer(status=200, description="A page.", schema=ProductPage, headers=(headers.REVALIDATE, headers.LINK)),
        ),
        errors=GUARDED,
    ),
    Operation(
        id="adjustStock",
        method="POST",
        path="/v1/inventory/{sku}/adjustments",
        tag=_TAG,
        summary="Correct a count by a difference",
        view=stock.adjust_stock,
        use_cases=("stock.adjust",),
        headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH_PRODUCT),
        body=AdjustmentRequest,
        answers=(
            Answer(
                status=200,
                description="The product as it is now.",
                schema=Product,
                headers=(headers.ETAG, headers.REVALIDATE, headers.REPLAYED),
            ),
        ),
        errors=(
            *WRITING,
            "sku_not_found",
            "version_mismatch",
            "stock_below_reserved",
            "idempotency_key_reused",
            "idempotency_key_in_use",
        ),
    ),
    Operation(
        id="importStock",
        method="POST",
        path="/v1/inventory/import",
        tag=_TAG,
        summary="Import counts or differences from a CSV file",
        description="A malformed row stops the import before anything changes, unless `skip_bad`. Rows that the "
        "present stock refuses do not stop it: they are among the rejects. With an idempotency key the same import can "
        "be sent again, and goes on where it stopped. The report names products and locations that were new.",
        view=stock_imports.import_stock,
        use_cases=("imports.stock",),
        query=IMPORT_PARAMETERS,
        headers=(headers.IDEMPOTENCY_KEY,),
        body=TextBody(
            media_type="text/csv",
            description="A header of `sku,quantity[,location,name,reason,reference]` in any order, then a row each.",
            example="sku,quantity,location\nWIDGET,25,main\nGADGET,10,main\n",
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
    ),
    Operation(
        id="listMovements",
        method="GET",
        path="/v1/inventory/{sku}/movements",
        tag=_TAG,
        summary="List a product's ledger, newest first",
        view=stock.list_movements,
        use_cases=("stock.movements",),
        query=PAGE_PARAMETERS,
        answers=(
            Answer(status=200, description="A page.", schema=MovementPage, headers=(headers.REVALIDATE, headers.LINK)),
        ),
        errors=(*GUARDED, "sku_not_found"),
    ),
)
