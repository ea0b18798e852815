"""The registry: every operation of the service."""

from __future__ import annotations

from oms_core.settings import Settings
from oms_http.openapi.api_keys import KEY_OPERATIONS
from oms_http.openapi.inventory import INVENTORY_OPERATIONS
from oms_http.openapi.operation import Operation
from oms_http.openapi.orders import ORDER_OPERATIONS
from oms_http.openapi.queue import QUEUE_OPERATIONS
from oms_http.openapi.service import METRICS_OPERATION, SERVICE_OPERATIONS


def operations_of(settings: Settings) -> tuple[Operation, ...]:
    """List the operations of a deployment: /metrics is among them unless it has an address of its own.

    They come in the order in which somebody who tries them has what each needs: stock before orders.
    """
    metrics = () if settings.metrics_address else (METRICS_OPERATION,)
    return (*INVENTORY_OPERATIONS, *ORDER_OPERATIONS, *QUEUE_OPERATIONS, *KEY_OPERATIONS, *SERVICE_OPERATIONS, *metrics)
