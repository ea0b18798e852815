"""An order management system that never oversells: the core, for programs that embed it.

with Oms.open(Settings(database_url="sqlite:///oms.db")) as oms:
    caller = Caller(name="checkout", scopes=ALL_SCOPES)
    placed = oms.orders.place(PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=1)]), caller=caller)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oms_core.bootstrap import Ports
    from oms_core.documents.archives import ArchivedDocument
    from oms_core.domain.api_keys import ApiKey, ApiKeyState, CreateApiKey, IssuedApiKey, RotateApiKey
    from oms_core.domain.callers import ALL_SCOPES, Caller, Scope
    from oms_core.domain.commands import (
        UNSET,
        AdjustStock,
        ChangeOrderStatus,
        DeleteProduct,
        OrderLine,
        PlaceOrder,
        ReceiveStock,
        RetryOrder,
        SetStock,
    )
    from oms_core.domain.events import Event, EventType, NewEvent
    from oms_core.domain.hold_commands import ConfirmOrder, ExtendHold
    from oms_core.domain.import_commands import (
        ImportFormat,
        ImportMode,
        ImportOrders,
        ImportProgress,
        ImportReject,
        ImportStage,
        ImportStock,
        OrderImportReport,
        StockImportReport,
    )
    from oms_core.domain.orders.bulk_changes import ChangeOrderStatuses
    from oms_core.domain.orders.order import LineAllocation, Order, OrderFailure, OrderFilter, PlacedLine, Shortage
    from oms_core.domain.orders.placement import EnteredAs, Placed, PlacementOutcome, Refused
    from oms_core.domain.orders.queueing import QueuePlace, QueueStatus, WorkerState
    from oms_core.domain.orders.statuses import OrderStatus
    from oms_core.domain.pages import Page
    from oms_core.domain.preconditions import Precondition
    from oms_core.domain.rate_limits import RateScope
    from oms_core.domain.stock.balances import Discrepancy
    from oms_core.domain.stock.products import Movement, MovementKind, NewMovement, Product, ProductFilter, StockLevel
    from oms_core.error_types import Code
    from oms_core.errors import ErrorKind, FieldError, OmsError, Retry
    from oms_core.oms import Description, Oms
    from oms_core.ports.broker import DeadLetter, MessageKind
    from oms_core.ports.metrics import Metrics
    from oms_core.ports.rate_limiter import RateLimiter
    from oms_core.settings import Settings
    from oms_core.use_cases.api_keys import ApiKeys
    from oms_core.use_cases.archive.archive import Archive, ArchiveReport
    from oms_core.use_cases.audit import AuditReport
    from oms_core.use_cases.holds import HoldChanged, Holds
    from oms_core.use_cases.imports.imports import Imports
    from oms_core.use_cases.orders.expire_holds import ExpiryReport
    from oms_core.use_cases.orders.order_export import OrderExport
    from oms_core.use_cases.orders.orders import Orders, Retried
    from oms_core.use_cases.orders.retry_many import RetryReport
    from oms_core.use_cases.queue.dead_letters import DeadLetters
    from oms_core.use_cases.queue.queue import Queue
    from oms_core.use_cases.rate_limits import Charge, RateLimits
    from oms_core.use_cases.stock import ProductExport, Stock, StockChanged

# Each is loaded when it is first asked for: who shows `--help` needs none of it, and who makes commands not the system.
_LOADED_LATER = {
    "ALL_SCOPES": "oms_core.domain.callers",
    "AdjustStock": "oms_core.domain.commands",
    "ApiKey": "oms_core.domain.api_keys",
    "ApiKeyState": "oms_core.domain.api_keys",
    "ApiKeys": "oms_core.use_cases.api_keys",
    "Archive": "oms_core.use_cases.archive.archive",
    "ArchiveReport": "oms_core.use_cases.archive.archive",
    "ArchivedDocument": "oms_core.documents.archives",
    "AuditReport": "oms_core.use_cases.audit",
    "Caller": "oms_core.domain.callers",
    "ChangeOrderStatus": "oms_core.domain.commands",
    "ChangeOrderStatuses": "oms_core.domain.orders.bulk_changes",
    "Charge": "oms_core.use_cases.rate_limits",
    "Code": "oms_core.error_types",
    "ConfirmOrder": "oms_core.domain.hold_commands",
    "CreateApiKey": "oms_core.domain.api_keys",
    "DeadLetter": "oms_core.ports.broker",
    "DeadLetters": "oms_core.use_cases.queue.dead_letters",
    "DeleteProduct": "oms_core.domain.commands",
    "Description": "oms_core.oms",
    "Discrepancy": "oms_core.domain.stock.balances",
    "EnteredAs": "oms_core.domain.orders.placement",
    "ErrorKind": "oms_core.errors",
    "Event": "oms_core.domain.events",
    "EventType": "oms_core.domain.events",
    "ExpiryReport": "oms_core.use_cases.orders.expire_holds",
    "ExtendHold": "oms_core.domain.hold_commands",
    "FieldError": "oms_core.errors",
    "HoldChanged": "oms_core.use_cases.holds",
    "Holds": "oms_core.use_cases.holds",
    "ImportFormat": "oms_core.domain.import_commands",
    "ImportMode": "oms_core.domain.import_commands",
    "ImportOrders": "oms_core.domain.import_commands",
    "ImportProgress": "oms_core.domain.import_commands",
    "ImportReject": "oms_core.domain.import_commands",
    "ImportStage": "oms_core.domain.import_commands",
    "ImportStock": "oms_core.domain.import_commands",
    "Imports": "oms_core.use_cases.imports.imports",
    "IssuedApiKey": "oms_core.domain.api_keys",
    "LineAllocation": "oms_core.domain.orders.order",
    "MessageKind": "oms_core.ports.broker",
    "Metrics": "oms_core.ports.metrics",
    "Movement": "oms_core.domain.stock.products",
    "MovementKind": "oms_core.domain.stock.products",
    "NewEvent": "oms_core.domain.events",
    "NewMovement": "oms_core.domain.stock.products",
    "Oms": "oms_core.oms",
    "OmsError": "oms_core.errors",
    "Order": "oms_core.domain.orders.order",
    "OrderExport": "oms_core.use_cases.orders.order_export",
    "OrderFailure": "oms_core.domain.orders.order",
    "OrderFilter": "oms_core.domain.orders.order",
    "OrderImportReport": "oms_core.domain.import_commands",
    "OrderLine": "oms_core.domain.commands",
    "OrderStatus": "oms_core.domain.orders.statuses",
    "Orders": "oms_core.use_cases.orders.orders",
    "Page": "oms_core.domain.pages",
    "PlaceOrder": "oms_core.domain.commands",
    "Placed": "oms_core.domain.orders.placement",
    "PlacedLine": "oms_core.domain.orders.order",
    "PlacementOutcome": "oms_core.domain.orders.placement",
    "Ports": "oms_core.bootstrap",
    "Precondition": "oms_core.domain.preconditions",
    "Product": "oms_core.domain.stock.products",
    "ProductExport": "oms_core.use_cases.stock",
    "ProductFilter": "oms_core.domain.stock.products",
    "Queue": "oms_core.use_cases.queue.queue",
    "QueuePlace": "oms_core.domain.orders.queueing",
    "QueueStatus": "oms_core.domain.orders.queueing",
    "RateLimiter": "oms_core.ports.rate_limiter",
    "RateLimits": "oms_core.use_cases.rate_limits",
    "RateScope": "oms_core.domain.rate_limits",
    "ReceiveStock": "oms_core.domain.commands",
    "Refused": "oms_core.domain.orders.placement",
    "Retried": "oms_core.use_cases.orders.orders",
    "Retry": "oms_core.errors",
    "RetryOrder": "oms_core.domain.commands",
    "RetryReport": "oms_core.use_cases.orders.retry_many",
    "RotateApiKey": "oms_core.domain.api_keys",
    "Scope": "oms_core.domain.callers",
    "SetStock": "oms_core.domain.commands",
    "Settings": "oms_core.settings",
    "Shortage": "oms_core.domain.orders.order",
    "Stock": "oms_core.use_cases.stock",
    "StockChanged": "oms_core.use_cases.stock",
    "StockImportReport": "oms_core.domain.import_commands",
    "StockLevel": "oms_core.domain.stock.products",
    "UNSET": "oms_core.domain.commands",
    "WorkerState": "oms_core.domain.orders.queueing",
}

__all__ = [
    "ALL_SCOPES",
    "UNSET",
    "AdjustStock",
    "ApiKey",
    "ApiKeyState",
    "ApiKeys",
    "Archive",
    "ArchiveReport",
    "ArchivedDocument",
    "AuditReport",
    "Caller",
    "ChangeOrderStatus",
    "ChangeOrderStatuses",
    "Charge",
    "Code",
    "ConfirmOrder",
    "CreateApiKey",
    "DeadLetter",
    "DeadLetters",
    "DeleteProduct",
    "Description",
    "Discrepancy",
    "EnteredAs",
    "ErrorKind",
    "Event",
    "EventType",
    "ExpiryReport",
    "ExtendHold",
    "FieldError",
    "HoldChanged",
    "Holds",
    "ImportFormat",
    "ImportMode",
    "ImportOrders",
    "ImportProgress",
    "ImportReject",
    "ImportStage",
    "ImportStock",
    "Imports",
    "IssuedApiKey",
    "LineAllocation",
    "MessageKind",
    "Metrics",
    "Movement",
    "MovementKind",
    "NewEvent",
    "NewMovement",
    "Oms",
    "OmsError",
    "Order",
    "OrderExport",
    "OrderFailure",
    "OrderFilter",
    "OrderImportReport",
    "OrderLine",
    "OrderStatus",
    "Orders",
    "Page",
    "PlaceOrder",
    "Placed",
    "PlacedLine",
    "PlacementOutcome",
    "Ports",
    "Precondition",
    "Product",
    "ProductExport",
    "ProductFilter",
    "Queue",
    "QueuePlace",
    "QueueStatus",
    "RateLimiter",
    "RateLimits",
    "RateScope",
    "ReceiveStock",
    "Refused",
    "Retried",
    "Retry",
    "RetryOrder",
    "RetryReport",
    "RotateApiKey",
    "Scope",
    "SetStock",
    "Settings",
    "Shortage",
    "Stock",
    "StockChanged",
    "StockImportReport",
    "StockLevel",
    "WorkerState",
]


def __getattr__(name: str) -> Any:
    if name not in _LOADED_LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_LOADED_LATER[name]), name)
    return found
