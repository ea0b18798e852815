"""The registry: every operation of the service."""

from __future__ import annotations

from oms_core.settings import Settings
from oms_http.openapi.api_keys import KEY_OPERATIONS
from oms_http.openapi.inventory import INVENTORY_OPERATIONS
from oms_http.openapi.operation import Operation
from oms_http.openapi.queue import QUEUE_OPERATIONS
from oms_http.openapi.service import METRICS_OPERATION, SERVICE_OPERATIONS
from oms_http.orders import batch, changes, lookups, place

_ORDERS = (
    place.place_order,
    batch.place_orders,
    lookups.list_orders,
    lookups.get_order,
    lookups.list_order_events,
    changes.change_order_status,
    changes.retry_order,
    changes.retry_orders,
)


def operations_of(settings: Settings) -> tuple[Operation, ...]:
    """List the operations of a deployment: /metrics is among them unless it has an address of its own.

    They come in the order in which somebody who tries them has what each needs: stock before orders.
    """
    metrics = () if settings.metrics_address else (METRICS_OPERATION,)
    return (*INVENTORY_OPERATIONS, *_ORDERS, *QUEUE_OPERATIONS, *KEY_OPERATIONS, *SERVICE_OPERATIONS, *metrics)
