"""An order management system that never oversells: the core, for programs that embed it.

with Oms.open(Settings(database_url="sqlite:///oms.db")) as oms:
    caller = Caller(name="checkout", scopes=ALL_SCOPES)
    placed = oms.place_order(PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=1)]), caller=caller)
"""

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
from oms_core.domain.orders.order import Order, OrderFailure, OrderFilter, PlacedLine, Shortage
from oms_core.domain.orders.placement import EnteredAs, Placed, PlacementOutcome, Refused
from oms_core.domain.orders.queueing import WorkerState
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.pages import Page
from oms_core.domain.preconditions import Precondition
from oms_core.domain.stock.balances import Discrepancy
from oms_core.domain.stock.products import Movement, MovementKind, NewMovement, Product, ProductFilter, StockLevel
from oms_core.error_types import Code
from oms_core.errors import ErrorKind, FieldError, OmsError, Retry
from oms_core.oms import Oms
from oms_core.ports.broker import DeadLetter, MessageKind
from oms_core.settings import Settings
from oms_core.use_cases.audit import AuditReport
from oms_core.use_cases.change_stock import StockChanged
from oms_core.use_cases.charge_caller import Charge
from oms_core.use_cases.get_queue_status import QueuePlace, QueueStatus
from oms_core.use_cases.retry_order import Retried
from oms_core.use_cases.retry_orders import RetryReport

__all__ = [
    "ALL_SCOPES",
    "UNSET",
    "AdjustStock",
    "ApiKey",
    "ApiKeyState",
    "AuditReport",
    "Caller",
    "ChangeOrderStatus",
    "Charge",
    "Code",
    "CreateApiKey",
    "DeadLetter",
    "DeleteProduct",
    "Discrepancy",
    "EnteredAs",
    "ErrorKind",
    "Event",
    "EventType",
    "FieldError",
    "ImportFormat",
    "ImportMode",
    "ImportOrders",
    "ImportProgress",
    "ImportReject",
    "ImportStage",
    "ImportStock",
    "IssuedApiKey",
    "MessageKind",
    "Movement",
    "MovementKind",
    "NewEvent",
    "NewMovement",
    "Oms",
    "OmsError",
    "Order",
    "OrderFailure",
    "OrderFilter",
    "OrderImportReport",
    "OrderLine",
    "OrderStatus",
    "Page",
    "PlaceOrder",
    "Placed",
    "PlacedLine",
    "PlacementOutcome",
    "Precondition",
    "Product",
    "ProductFilter",
    "QueuePlace",
    "QueueStatus",
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
    "StockChanged",
    "StockImportReport",
    "StockLevel",
    "WorkerState",
]
