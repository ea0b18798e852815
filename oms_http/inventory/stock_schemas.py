"""Stock as requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

from oms_core.domain.stock.products import MovementKind
from oms_core.domain.validation import Findings
from oms_http.schemas.fields import Count, Cursor, Delta, Location, OrderId, ProductName, Reason, Reference, Time
from oms_http.schemas.import_rejects import ImportReject
from oms_http.schemas.models import Input, Output

_TIME = "2026-11-22T21:00:00.000000Z"


class StockRequest(Input):
    """What to set of a product; only what is given changes, and null is the same as not given.

    The exception is `low_stock_threshold`, where null removes the threshold.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"on_hand": 25, "name": "Widget", "low_stock_threshold": 5},
                {"on_hand": 30, "expected_on_hand": 25, "location": "main", "reason": "Recount"},
            ],
            # JSON Schema cannot say "only together with a number" more simply.
            "if": {"properties": {"expected_on_hand": {"type": "integer"}}, "required": ["expected_on_hand"]},
            "then": {"properties": {"on_hand": {"type": "integer"}}, "required": ["on_hand"]},
        }
    )

    on_hand: Annotated[Count | None, Field(description="The absolute count at `location`.")] = None
    location: Annotated[Location | None, Field(description="By default the deployment's first location.")] = None
    expected_on_hand: Annotated[
        Count | None, Field(description="Refuse unless this is the present count; only together with `on_hand`.")
    ] = None
    name: ProductName | None = None
    low_stock_threshold: Annotated[Count | None, Field(description="Null removes the threshold.")] = None
    kept_back: Annotated[Count | None, Field(description="Safety stock at `location`, which is not sold.")] = None
    reason: Reason | None = None
    reference: Reference | None = None

    @classmethod
    def check_together(cls, findings: Findings, document: Mapping[str, object]) -> None:
        """Note a count that is expected where none is set."""
        if document.get("expected_on_hand") is not None and document.get("on_hand") is None:
            findings.add("/expected_on_hand", "needs_on_hand", "is only used together with on_hand")


class AdjustmentRequest(Input):
    """A correction of a count by a difference, which is never 0."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"delta": -2, "reason": "Broken in transit"}]})

    delta: Delta
    reason: Reason
    location: Annotated[Location | None, Field(description="By default the deployment's first location.")] = None
    reference: Reference | None = None


class StockLevel(Output):
    """The units of a product at one location."""

    location: str
    on_hand: Count
    reserved: Count
    available: Count
    kept_back: Annotated[Count, Field(description="Safety stock, which is not sold.")]


class Product(Output):
    """A product's stock; the figures are sums over its locations.

    `on_hand` = `reserved` + `available` + `unsellable`: what is kept back, or lies where nothing is sold.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sku": "WIDGET",
                    "name": "Widget",
                    "on_hand": 25,
                    "reserved": 4,
                    "available": 21,
                    "unsellable": 0,
                    "locations": [{"location": "main", "on_hand": 25, "reserved": 4, "available": 21, "kept_back": 0}],
                    "low_stock_threshold": 5,
                    "version": 3,
                    "updated_at": _TIME,
                }
            ]
        }
    )

    sku: str
    name: str
    on_hand: Annotated[int, Field(ge=0)]
    reserved: Annotated[int, Field(ge=0)]
    available: Annotated[int, Field(ge=0)]
    unsellable: Annotated[int, Field(ge=0)]
    locations: list[StockLevel]
    low_stock_threshold: Count | None
    version: Annotated[int, Field(ge=0)]
    updated_at: Time


class ProductPage(Output):
    """Some products, by SKU; `next` is null on the last page."""

    items: list[Product]
    next: Cursor | None


class Movement(Output):
    """A row of the ledger: what changed, why, and who did it. A level is the sum of its movements."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 1,
                    "sku": "WIDGET",
                    "location": "main",
                    "kind": "count",
                    "on_hand_delta": 25,
                    "reserved_delta": 0,
                    "order_id": None,
                    "line_no": None,
                    "act_id": None,
                    "reason": None,
                    "reference": None,
                    "actor": "local",
                    "created_at": _TIME,
                }
            ]
        }
    )

    id: int
    sku: str
    location: str
    kind: MovementKind
    on_hand_delta: int
    reserved_delta: int
    order_id: OrderId | None
    line_no: int | None
    act_id: Annotated[str | None, Field(description="Of a shipment, a return or a transfer: its rows have the same.")]
    reason: str | None
    reference: str | None
    actor: str
    created_at: Time


class MovementPage(Output):
    """Some rows of the ledger, newest first; `next` is null on the last page."""

    items: list[Movement]
    next: Cursor | None


class ImportReport(Output):
    """What became of the rows: `rows` = `applied` + `unchanged` + `rejected`; `rejects` are the first 100 of those.

    `replayed` of them had been decided by earlier requests with the same idempotency key; `blank` rows were empty.
    `created` products were new, of which `created_skus` are the first 20 that this request has made, and
    `new_locations` the first 20 locations that were not known.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rows": 3,
                    "applied": 1,
                    "unchanged": 1,
                    "rejected": 1,
                    "replayed": 0,
                    "blank": 0,
                    "created": 1,
                    "created_skus": ["GADGET"],
                    "new_locations": [],
                    "seconds": 0.012,
                    "rejects": [
                        {
                            "line": 3,
                            "column": None,
                            "code": "stock_below_reserved",
                            "detail": "WIDGET main: on hand would be 2, but 4 are reserved",
                            "values": {"sku": "WIDGET", "quantity": "2"},
                        }
                    ],
                }
            ]
        }
    )

    rows: Count
    applied: Count
    unchanged: Count
    rejected: Count
    replayed: Count
    blank: Count
    created: Count
    created_skus: Annotated[list[str], Field(max_length=20)]
    new_locations: Annotated[list[str], Field(max_length=20)]
    seconds: Annotated[float, Field(ge=0)]
    rejects: Annotated[list[ImportReject], Field(max_length=100)]
