"""An order management system that never oversells: the core, for programs that embed it.

with Oms.open(Settings(database_url="sqlite:///oms.db")) as oms:
    caller = Caller(name="checkout", scopes=ALL_SCOPES)
    placed = oms.orders.place(PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=1)]), caller=caller)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from oms_core.domain.orders.queueing import QueuePlace, QueueStatus, WorkerState
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.pages import Page
from oms_core.domain.preconditions import Precondition
from oms_core.domain.rate_limits import RateScope
from oms_core.domain.stock.balances import Discrepancy
from oms_core.domain.stock.products import Movement, MovementKind, NewMovement, Product, ProductFilter, StockLevel
from oms_core.error_types import Code
from oms_core.errors import ErrorKind, FieldError, OmsError, Retry
from oms_core.ports.broker import DeadLetter, MessageKind
from oms_core.ports.metrics import Metrics
from oms_core.ports.rate_limiter import RateLimiter
from oms_core.settings import Settings

if TYPE_CHECKING:
    from oms_core.bootstrap import Ports
    from oms_core.oms import Description, Oms
    from oms_core.use_cases.api_keys import ApiKeys
    from oms_core.use_cases.audit import AuditReport
    from oms_core.use_cases.imports.imports import Imports
    from oms_core.use_cases.orders.orders import Orders, Retried
    from oms_core.use_cases.orders.retry_many import RetryReport
    from oms_core.use_cases.queue.dead_letters import DeadLetters
    from oms_core.use_cases.queue.queue import Queue
    from oms_core.use_cases.rate_limits import Charge, RateLimits
    from oms_core.use_cases.stock import Stock, StockChanged

# The system itself is loaded when it is first asked for: who makes commands, or shows `--help`, needs none of it.
_LOADED_LATER = {
    "ApiKeys": "oms_core.use_cases.api_keys",
    "AuditReport": "oms_core.use_cases.audit",
    "Charge": "oms_core.use_cases.rate_limits",
    "DeadLetters": "oms_core.use_cases.queue.dead_letters",
    "Description": "oms_core.oms",
    "Imports": "oms_core.use_cases.imports.imports",
    "Oms": "oms_core.oms",
    "Orders": "oms_core.use_cases.orders.orders",
    "Ports": "oms_core.bootstrap",
    "Queue": "oms_core.use_cases.queue.queue",
    "RateLimits": "oms_core.use_cases.rate_limits",
    "Retried": "oms_core.use_cases.orders.orders",
    "RetryReport": "oms_core.use_cases.orders.retry_many",
    "Stock": "oms_core.use_cases.stock",
    "StockChanged": "oms_core.use_cases.stock",
}

__all__ = [
    "ALL_SCOPES",
    "UNSET",
    "AdjustStock",
    "ApiKey",
    "ApiKeyState",
    "ApiKeys",
    "AuditReport",
    "Caller",
    "ChangeOrderStatus",
    "Charge",
    "Code",
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
    "FieldError",
    "ImportFormat",
    "ImportMode",
    "ImportOrders",
    "ImportProgress",
    "ImportReject",
    "ImportStage",
    "ImportStock",
    "Imports",
    "IssuedApiKey",
    "MessageKind",
    "Metrics",
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
    "Orders",
    "Page",
    "PlaceOrder",
    "Placed",
    "PlacedLine",
    "PlacementOutcome",
    "Ports",
    "Precondition",
    "Product",
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
