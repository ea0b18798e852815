"""What an import of orders answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from oms_http.schemas.fields import Count
from oms_http.schemas.import_rejects import ImportReject
from oms_http.schemas.models import Output


class OrderImportReport(Output):
    """What became of the orders of a file: `orders` = `placed` + `replayed` + `refused`; `rejects` are the first 100.

    `replayed` orders had been placed before under their idempotency keys; `blank` rows were empty.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "orders": 2,
                    "placed": 1,
                    "replayed": 0,
                    "refused": 1,
                    "blank": 0,
                    "seconds": 0.012,
                    "rejects": [
                        {
                            "line": 3,
                            "column": None,
                            "code": "unknown_sku",
                            "detail": "no product has the SKU GIZMO",
                            "values": {"reference": "WEB-2", "customer_id": "C-1001"},
                        }
                    ],
                }
            ]
        }
    )

    orders: Count
    placed: Count
    replayed: Count
    refused: Count
    blank: Count
    seconds: Annotated[float, Field(ge=0)]
    rejects: Annotated[list[ImportReject], Field(max_length=100)]
