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
    from oms_core.domain.change_commands import ChangeOrderLines, LineChange, UpdateOrder
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
        ImportReturns,
        ImportShipments,
        ImportStage,
        ImportStock,
        OrderImportReport,
        ReturnImportReport,
        ShipmentImportReport,
        StockImportReport,
    )
    from oms_core.domain.orders.bulk_changes import ChangeOrderStatuses
    from oms_core.domain.orders.order import LineAllocation, Order, OrderFailure, OrderFilter, PlacedLine, Shortage
    from oms_core.domain.orders.order_changes import Changed
    from oms_core.domain.orders.placement import EnteredAs, Placed, PlacementOutcome, Refused
    from oms_core.domain.orders.queueing import QueuePlace, QueueStatus, WorkerState
    from oms_core.domain.orders.returns import Disposition, Return, ReturnedLine, ReturnLine
    from oms_core.domain.orders.shipments import Shipment, ShipmentLine, ShipmentStatus, ShippedLine
    from oms_core.domain.orders.statuses import OrderStatus
    from oms_core.domain.pages import Page
    from oms_core.domain.preconditions import Precondition
    from oms_core.domain.rate_limits import RateScope
    from oms_core.domain.return_commands import CreateReturn
    from oms_core.domain.shipment_commands import CancelShipment, CreateShipment, UpdateShipment
    from oms_core.domain.stock.balances import Discrepancy
    from oms_core.domain.stock.locations import Location, LocationKind, SetLocation
    from oms_core.domain.stock.products import Movement, MovementKind, NewMovement, Product, ProductFilter, StockLevel
    from oms_core.domain.stock.transfers import TransferStock
    from oms_core.domain.transfer_imports import ImportTransfers, TransferImportReport
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
    from oms_core.use_cases.holds import Holds
    from oms_core.use_cases.imports.imports import Imports
    from oms_core.use_cases.locations import Locations
    from oms_core.use_cases.orders.changes import Changes
    from oms_core.use_cases.orders.expire_holds import ExpiryReport
    from oms_core.use_cases.orders.order_export import OrderExport
    from oms_core.use_cases.orders.orders import Orders
    from oms_core.use_cases.orders.retry_many import RetryReport
    from oms_core.use_cases.queue.dead_letters import DeadLetters
    from oms_core.use_cases.queue.queue import Queue
    from oms_core.use_cases.rate_limits import Charge, RateLimits
    from oms_core.use_cases.returns import ReturnList, ReturnMade, Returns
    from oms_core.use_cases.shipments import ShipmentChanged, ShipmentList, Shipments
    from oms_core.use_cases.stock import ProductExport, Stock, StockChanged

# Each is loaded when it is first asked for: who shows `--help` needs none of it, and who makes commands not the system.
_MODULES = {
    "oms_core.bootstrap": "Ports",
    "oms_core.documents.archives": "ArchivedDocument",
    "oms_core.domain.api_keys": "ApiKey ApiKeyState CreateApiKey IssuedApiKey RotateApiKey",
    "oms_core.domain.callers": "ALL_SCOPES Caller Scope",
    "oms_core.domain.change_commands": "ChangeOrderLines LineChange UpdateOrder",
    "oms_core.domain.commands": (
        "AdjustStock ChangeOrderStatus DeleteProduct OrderLine PlaceOrder ReceiveStock RetryOrder SetStock UNSET"
    ),
    "oms_core.domain.events": "Event EventType NewEvent",
    "oms_core.domain.hold_commands": "ConfirmOrder ExtendHold",
    "oms_core.domain.import_commands": (
        "ImportFormat ImportMode ImportOrders ImportProgress ImportReject ImportReturns ImportShipments ImportStage "
        "ImportStock OrderImportReport ReturnImportReport ShipmentImportReport StockImportReport"
    ),
    "oms_core.domain.orders.bulk_changes": "ChangeOrderStatuses",
    "oms_core.domain.orders.order": "LineAllocation Order OrderFailure OrderFilter PlacedLine Shortage",
    "oms_core.domain.orders.order_changes": "Changed",
    "oms_core.domain.orders.placement": "EnteredAs Placed PlacementOutcome Refused",
    "oms_core.domain.orders.queueing": "QueuePlace QueueStatus WorkerState",
    "oms_core.domain.orders.returns": "Disposition Return ReturnLine ReturnedLine",
    "oms_core.domain.orders.shipments": "Shipment ShipmentLine ShipmentStatus ShippedLine",
    "oms_core.domain.orders.statuses": "OrderStatus",
    "oms_core.domain.pages": "Page",
    "oms_core.domain.preconditions": "Precondition",
    "oms_core.domain.rate_limits": "RateScope",
    "oms_core.domain.return_commands": "CreateReturn",
    "oms_core.domain.shipment_commands": "CancelShipment CreateShipment UpdateShipment",
    "oms_core.domain.stock.balances": "Discrepancy",
    "oms_core.domain.stock.locations": "Location LocationKind SetLocation",
    "oms_core.domain.stock.products": "Movement MovementKind NewMovement Product ProductFilter StockLevel",
    "oms_core.domain.stock.transfers": "TransferStock",
    "oms_core.domain.transfer_imports": "ImportTransfers TransferImportReport",
    "oms_core.error_types": "Code",
    "oms_core.errors": "ErrorKind FieldError OmsError Retry",
    "oms_core.oms": "Description Oms",
    "oms_core.ports.broker": "DeadLetter MessageKind",
    "oms_core.ports.metrics": "Metrics",
    "oms_core.ports.rate_limiter": "RateLimiter",
    "oms_core.settings": "Settings",
    "oms_core.use_cases.api_keys": "ApiKeys",
    "oms_core.use_cases.archive.archive": "Archive ArchiveReport",
    "oms_core.use_cases.audit": "AuditReport",
    "oms_core.use_cases.holds": "Holds",
    "oms_core.use_cases.imports.imports": "Imports",
    "oms_core.use_cases.locations": "Locations",
    "oms_core.use_cases.orders.expire_holds": "ExpiryReport",
    "oms_core.use_cases.orders.order_export": "OrderExport",
    "oms_core.use_cases.orders.changes": "Changes",
    "oms_core.use_cases.orders.orders": "Orders",
    "oms_core.use_cases.orders.retry_many": "RetryReport",
    "oms_core.use_cases.queue.dead_letters": "DeadLetters",
    "oms_core.use_cases.queue.queue": "Queue",
    "oms_core.use_cases.rate_limits": "Charge RateLimits",
    "oms_core.use_cases.returns": "ReturnList ReturnMade Returns",
    "oms_core.use_cases.shipments": "ShipmentChanged ShipmentList Shipments",
    "oms_core.use_cases.stock": "ProductExport Stock StockChanged",
}
_LOADED_LATER = {name: module for module, names in _MODULES.items() for name in names.split()}

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
    "CancelShipment",
    "ChangeOrderLines",
    "ChangeOrderStatus",
    "ChangeOrderStatuses",
    "Changed",
    "Changes",
    "Charge",
    "Code",
    "ConfirmOrder",
    "CreateApiKey",
    "CreateReturn",
    "CreateShipment",
    "DeadLetter",
    "DeadLetters",
    "DeleteProduct",
    "Description",
    "Discrepancy",
    "Disposition",
    "EnteredAs",
    "ErrorKind",
    "Event",
    "EventType",
    "ExpiryReport",
    "ExtendHold",
    "FieldError",
    "Holds",
    "ImportFormat",
    "ImportMode",
    "ImportOrders",
    "ImportProgress",
    "ImportReject",
    "ImportReturns",
    "ImportShipments",
    "ImportStage",
    "ImportStock",
    "ImportTransfers",
    "Imports",
    "IssuedApiKey",
    "LineAllocation",
    "LineChange",
    "Location",
    "LocationKind",
    "Locations",
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
    "Retry",
    "RetryOrder",
    "RetryReport",
    "Return",
    "ReturnImportReport",
    "ReturnLine",
    "ReturnList",
    "ReturnMade",
    "ReturnedLine",
    "Returns",
    "RotateApiKey",
    "Scope",
    "SetLocation",
    "SetStock",
    "Settings",
    "Shipment",
    "ShipmentChanged",
    "ShipmentImportReport",
    "ShipmentLine",
    "ShipmentList",
    "ShipmentStatus",
    "Shipments",
    "ShippedLine",
    "Shortage",
    "Stock",
    "StockChanged",
    "StockImportReport",
    "StockLevel",
    "TransferImportReport",
    "TransferStock",
    "UpdateOrder",
    "UpdateShipment",
    "WorkerState",
]


def __getattr__(name: str) -> Any:
    if name not in _LOADED_LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_LOADED_LATER[name]), name)
    return found
