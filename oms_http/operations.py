"""Every operation of the service, gathered from the folders in which each stands with what answers it."""

from __future__ import annotations

from oms_http.api_keys import api_keys
from oms_http.inventory import locations, stock, stock_exports, stock_imports, stock_moves
from oms_http.openapi.operation import Operation
from oms_http.orders import (
    batch,
    bulk_changes,
    change_routes,
    changes,
    holds,
    lookups,
    order_files,
    place,
    return_routes,
    shipment_routes,
)
from oms_http.queue import queue
from oms_http.service import documentation, probes
from oms_http.settings import HttpSettings

_OPERATIONS = (
    stock.set_stock,
    stock.get_product,
    stock.delete_product,
    stock.list_products,
    stock_exports.export_stock,
    stock.adjust_stock,
    stock_moves.receive_stock,
    stock_moves.transfer_stock,
    stock_imports.import_stock,
    locations.set_location,
    locations.list_locations,
    locations.get_location,
    stock.list_movements,
    place.place_order,
    batch.place_orders,
    order_files.import_orders,
    lookups.list_orders,
    order_files.export_orders,
    lookups.get_order,
    lookups.list_order_events,
    change_routes.update_order,
    change_routes.change_order_lines,
    holds.extend_hold,
    holds.confirm_order,
    shipment_routes.create_shipment,
    shipment_routes.list_shipments,
    shipment_routes.get_shipment,
    shipment_routes.update_shipment,
    shipment_routes.cancel_shipment,
    return_routes.create_return,
    return_routes.list_returns,
    return_routes.get_return,
    changes.change_order_status,
    bulk_changes.change_order_statuses,
    changes.retry_order,
    changes.retry_orders,
    queue.get_queue,
    queue.list_dead_letters,
    queue.replay_dead_letters,
    queue.discard_dead_letters,
    api_keys.create_api_key,
    api_keys.list_api_keys,
    api_keys.rotate_api_key,
    api_keys.get_api_key,
    api_keys.revoke_api_key,
    documentation.get_index,
    probes.get_health,
    probes.get_readiness,
    documentation.get_openapi,
    documentation.get_docs,
    documentation.list_problems,
    documentation.get_problem,
)


def operations_of(settings: HttpSettings) -> tuple[Operation, ...]:
    """List the operations of a deployment: /metrics is among them unless it has an address of its own.

    They come in the order in which somebody who tries them has what each needs: stock before orders.
    """
    return _OPERATIONS if settings.metrics_address else (*_OPERATIONS, probes.get_metrics)
