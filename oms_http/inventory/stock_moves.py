"""The routes of goods that arrive, and of goods that are moved to another location."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from pydantic import ConfigDict, Field

from oms_core import StockChanged
from oms_core.domain.commands import ReceiveStock
from oms_core.domain.stock.transfers import TransferStock
from oms_http.app_state import Service
from oms_http.inventory.product_answers import product_response
from oms_http.inventory.stock_schemas import Product
from oms_http.openapi import headers
from oms_http.openapi.operation import WRITING, Answer, Operation
from oms_http.requests import Request, note_idempotency_key, note_path_sku, read_model, read_precondition
from oms_http.responses import REPLAYED
from oms_http.schemas.fields import Location, Reason, Reference, Units
from oms_http.schemas.models import Input

_PRODUCT_NOW = Answer(
    status=200,
    description="The product as it is now.",
    schema=Product,
    headers=(headers.ETAG, headers.REVALIDATE, headers.REPLAYED),
)
_ERRORS = (*WRITING, "sku_not_found", "idempotency_key_reused", "idempotency_key_in_use")


class ReceiptRequest(Input):
    """Goods that arrived."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"quantity": 24, "reference": "PO-77"}]})

    quantity: Units
    location: Annotated[Location | None, Field(description="By default the deployment's first location.")] = None
    reason: Reason | None = None
    reference: Reference | None = None


class TransferRequest(Input):
    """Units that nobody has reserved are moved from one location to another."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from": "main", "to": "north", "quantity": 1, "reason": "rebalanced"}]}
    )

    source: Annotated[Location, Field(alias="from")]
    target: Annotated[Location, Field(alias="to")]
    quantity: Units
    reason: Reason | None = None
    reference: Reference | None = None


@Operation(
    id="receiveStock",
    method="POST",
    path="/v1/inventory/{sku}/receipts",
    tag="inventory",
    summary="Record goods that arrived",
    use_cases=("stock.receive",),
    headers=(headers.IDEMPOTENCY_KEY,),
    body=ReceiptRequest,
    answers=(_PRODUCT_NOW,),
    errors=_ERRORS,
)
def receive_stock(service: Service, request: Request, sku: str) -> Response:
    """Record goods that arrived."""
    note_path_sku(request, sku)
    key = note_idempotency_key(request)
    asked = read_model(ReceiptRequest, request)
    command = ReceiveStock(
        sku=sku,
        quantity=asked.quantity,
        location=asked.location,
        reason=asked.reason,
        reference=asked.reference,
        idempotency_key=key,
    )
    return _answer(service.oms.stock.receive(command, caller=request.caller))


@Operation(
    id="transferStock",
    method="POST",
    path="/v1/inventory/{sku}/transfers",
    tag="inventory",
    summary="Move units to another location",
    description="Both counts change in one act, so that no unit is counted twice or nowhere. Units that orders have "
    "reserved stay.",
    use_cases=("stock.transfer",),
    headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH_PRODUCT),
    body=TransferRequest,
    answers=(_PRODUCT_NOW,),
    errors=(*_ERRORS, "version_mismatch", "stock_below_reserved"),
)
def transfer_stock(service: Service, request: Request, sku: str) -> Response:
    """Move units to another location."""
    note_path_sku(request, sku)
    key = note_idempotency_key(request)
    asked = read_model(TransferRequest, request)
    command = TransferStock(
        sku=sku,
        quantity=asked.quantity,
        from_location=asked.source,
        to_location=asked.target,
        reason=asked.reason,
        reference=asked.reference,
        idempotency_key=key,
        precondition=read_precondition(request),
    )
    return _answer(service.oms.stock.transfer(command, caller=request.caller))


def _answer(changed: StockChanged) -> Response:
    return product_response(changed.product, headers=[REPLAYED] if changed.replayed else [])
