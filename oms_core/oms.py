"""Class Oms: the table of contents of what the system does, and how a program embeds it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from uuid import UUID

from oms_core import bootstrap
from oms_core.authentication.authenticate import Authenticate
from oms_core.authentication.failed_attempts import FailedAttempts
from oms_core.authentication.key_cache import ApiKeyCache
from oms_core.authentication.last_use import LastUses
from oms_core.authentication.refused_tokens import RefusedTokens
from oms_core.domain import import_commands
from oms_core.domain.api_keys import ApiKey, CreateApiKey, IssuedApiKey, RotateApiKey, StoredApiKey
from oms_core.domain.callers import Caller
from oms_core.domain.commands import (
    AdjustStock,
    ChangeOrderStatus,
    DeleteProduct,
    PlaceOrder,
    ReceiveStock,
    RetryOrder,
    SetStock,
)
from oms_core.domain.events import Event
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT, RETRY_ORDERS_MAX, TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.orders.placement import Placed, Placement, PlacementOutcome
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.pages import Page
from oms_core.domain.rate_limits import RateScope
from oms_core.domain.stock.products import Movement, Product, ProductFilter
from oms_core.errors import OmsError
from oms_core.imports.lines import ByteSource
from oms_core.order_queue import OrderQueue
from oms_core.ports.broker import Broker, BrokerOptions, DeadLetter
from oms_core.ports.clock import Clock, SystemClock
from oms_core.ports.metrics import Metrics, NoMetrics
from oms_core.ports.no_broker import NoBroker
from oms_core.ports.rate_limiter import NoRateLimiter, RateLimiter
from oms_core.ports.storage import Storage, StorageOptions
from oms_core.runtime.group_committer import GroupCommitter
from oms_core.settings import Settings
from oms_core.use_cases import (
    accept_order,
    adjust_stock,
    audit,
    cancel_order,
    change_order_status,
    create_key,
    dead_letters,
    delete_product,
    export_stock,
    get_key,
    get_order,
    get_product,
    get_queue_status,
    import_orders,
    import_stock,
    list_keys,
    list_movements,
    list_order_events,
    list_orders,
    list_products,
    place_order,
    place_orders,
    receive_stock,
    retry_order,
    retry_orders,
    revoke_key,
    rotate_key,
    set_stock,
    wait_for_outcome,
)
from oms_core.use_cases.audit import AuditReport
from oms_core.use_cases.change_stock import StockChanged
from oms_core.use_cases.charge_caller import Charge, ChargeCaller, OnCharge
from oms_core.use_cases.commit_placements import CommitPlacements
from oms_core.use_cases.get_queue_status import QueuePlace, QueueStatus
from oms_core.use_cases.retry_order import Retried
from oms_core.use_cases.retry_orders import RetryReport


class Oms:
    """The order management system over one database.

    Thread-safe; connects on first use; works on in a forked child. Every method runs its own transaction and never
    joins the host's. Every method may raise OmsError `storage_unavailable` or `forbidden` besides what it names.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        clock: Clock,
        metrics: Metrics,
        queue: Broker | None = None,
        rate_limiter: RateLimiter | None = None,
        waiting_max: int | None = None,
    ) -> None:
        """Wire the use cases to ports; `Oms.open` does it from settings.

        `waiting_max` bounds the orders that wait for group commit at once (None: only the host's threads bound them).
        """
        self.settings = settings
        self.storage = storage
        self.metrics = metrics
        self.rate_limiter = rate_limiter or NoRateLimiter()
        self.charge = ChargeCaller(settings.rate_limits_in_force, self.rate_limiter)
        self.queue = queue or NoBroker()
        self._clock = clock
        self._authenticate = self._authentication()
        self._orders = OrderQueue(
            settings=settings,
            storage=storage,
            queue=self.queue,
            clock=clock,
            metrics=metrics,
            waiting_max=waiting_max,
        )
        self._commit = CommitPlacements(storage=storage, metrics=metrics, location_priority=settings.locations)
        self._committer: GroupCommitter[Placement, PlacementOutcome] | None = None
        if settings.group_commit:
            self._committer = GroupCommitter(
                self._commit,
                batch_max=TRANSACTION_ORDERS_MAX,
                waiting_max=waiting_max,
                waiting_seconds_max=settings.storage_deadline_seconds,
            )

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        create: bool = True,
        metrics: Metrics | None = None,
        waiting_max: int | None = None,
    ) -> Oms:
        """Open the system that the settings describe; reads no environment, configures no logging.

        `create` False refuses a missing database file instead of making it. Raises `invalid_setting`.
        """
        settings, metrics = settings or Settings(), metrics or NoMetrics()
        queue = bootstrap.open_broker(settings.queue_url, BrokerOptions(prefix=settings.queue_prefix))
        options = StorageOptions(
            deadline_seconds=settings.storage_deadline_seconds,
            lock_timeout_seconds=settings.lock_timeout_seconds,
            statement_timeout_seconds=settings.statement_timeout_seconds,
            prepared_statements=settings.prepared_statements,
            create=create,
            keeps_outbox=queue.carries_events,
        )
        return cls(
            settings=settings,
            storage=bootstrap.open_storage(settings.database_url, options),
            clock=SystemClock(),
            metrics=metrics,
            queue=queue,
            rate_limiter=bootstrap.open_rate_limiter(settings, metrics),
            waiting_max=waiting_max,
        )

    def __enter__(self) -> Oms:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commit what has gathered, end the workers after the batch in hand, then close every connection."""
        if self._committer is not None:
            self._committer.close()
        self._orders.close()
        self._authenticate.close()
        self.storage.close()
        self.rate_limiter.close()

    def check(self) -> None:
        """Raise `storage_unavailable`, `storage_unusable` or `schema_outdated` unless the system can work now."""
        self.storage.schema.check()

    def authenticate(self, token: str, *, address: str | None = None, request_id: str | None = None) -> Caller:
        """Return the caller whose API key this is; the other methods take it as `caller`.

        `address` is the client's: keys that open nothing are counted by it where `auth.failures` is limited. A revoked
        key is refused within five seconds; one in use outlives a database that is away for as long. Raises
        `unauthenticated`, with one text for whatever is wrong with the key, or `rate_limited`.
        """
        return self._authenticate(token, address=address, request_id=request_id)

    def create_key(self, command: CreateApiKey, *, caller: Caller) -> IssuedApiKey:
        """Make the first API key of a name: see `use_cases.create_key`."""
        days_max = self.settings.key_days_max
        return create_key.create_key(command, caller=caller, clock=self._clock, storage=self.storage, days_max=days_max)

    def rotate_key(self, command: RotateApiKey, *, caller: Caller) -> IssuedApiKey:
        """Make a further API key of a name: see `use_cases.rotate_key`."""
        days_max = self.settings.key_days_max
        issued = rotate_key.rotate_key(
            command, caller=caller, clock=self._clock, storage=self.storage, days_max=days_max
        )
        self._authenticate.forget(command.name)
        return issued

    def revoke_key(self, name: str, *, caller: Caller) -> list[ApiKey]:
        """End every API key of a name at once: see `use_cases.revoke_key`."""
        keys = revoke_key.revoke_key(name, caller=caller, clock=self._clock, storage=self.storage)
        self._authenticate.forget(name)
        return keys

    def get_key(self, name: str, *, caller: Caller) -> list[ApiKey]:
        """Return the API keys of a name, newest first: see `use_cases.get_key`."""
        return get_key.get_key(name, caller=caller, storage=self.storage)

    def list_keys(self, *, caller: Caller, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT) -> Page[ApiKey]:
        """List API keys by name: see `use_cases.list_keys`."""
        return list_keys.list_keys(caller=caller, storage=self.storage, cursor=cursor, limit=limit)

    def has_keys(self) -> bool:
        """Tell whether any API key was ever made."""
        return bool(self.storage.keys.find(after=None, limit=1))

    def place_order(
        self, command: PlaceOrder, *, caller: Caller, charge: Charge | None = None, charged: OnCharge | None = None
    ) -> Placed:
        """Place one order, all or nothing: see `use_cases.place_order`. A replay costs nothing of the rate limit.

        `charge` is what the caller has paid before, `charged` hears what the rate limit leaves where it has not.
        """
        charge = charge or self.charge(RateScope.ORDERS_PLACE, caller=caller, charged=charged)
        placed = place_order.place_order(
            command, caller=caller, clock=self._clock, currency=self.settings.currency, hand_in=self._hand_in
        )
        charge.give_back(1 if placed.replayed else 0)
        return placed

    def place_orders(
        self,
        commands: Sequence[PlaceOrder | OmsError],
        *,
        caller: Caller,
        charge: Charge | None = None,
        charged: OnCharge | None = None,
    ) -> list[PlacementOutcome]:
        """Place up to 1,000 orders, one outcome each: see `use_cases.place_orders`. Over the limit, none is placed."""
        charge = charge or self.charge(RateScope.ORDERS_PLACE, caller=caller, cost=0, charged=charged)
        charge.raise_to(len(commands))
        outcomes = place_orders.place_orders(
            commands, caller=caller, clock=self._clock, currency=self.settings.currency, commit=self._commit
        )
        charge.give_back(sum(isinstance(outcome, Placed) and outcome.replayed for outcome in outcomes))
        return outcomes

    def accept_order(
        self, command: PlaceOrder, *, caller: Caller, charge: Charge | None = None, charged: OnCharge | None = None
    ) -> Placed:
        """Queue one order, to be placed by a worker: see `use_cases.accept_order`."""
        charge = charge or self.charge(RateScope.ORDERS_PLACE, caller=caller, charged=charged)
        accepted = accept_order.accept_order(
            command, caller=caller, clock=self._clock, currency=self.settings.currency, hand_in=self._orders.accept
        )
        charge.give_back(1 if accepted.replayed else 0)
        return accepted

    def wait_for_outcome(self, order_id: UUID, *, caller: Caller, timeout_seconds: float) -> Order | None:
        """Return an accepted order once it is no longer queued; None when that takes longer, or too many wait already:
        see `use_cases.wait_for_outcome`.
        """
        return wait_for_outcome.wait_for_outcome(
            order_id,
            caller=caller,
            storage=self.storage,
            wait=partial(self._orders.wait, timeout_seconds=timeout_seconds),
        )

    def retry_order(self, command: RetryOrder, *, caller: Caller) -> Retried:
        """Queue a rejected or failed order again: see `use_cases.retry_order`."""
        retried = retry_order.retry_order(command, caller=caller, clock=self._clock, storage=self.storage)
        self._orders.announce([command.order_id])
        return retried

    def retry_orders(
        self, wanted: OrderFilter, *, caller: Caller, reason: str | None = None, limit: int = RETRY_ORDERS_MAX
    ) -> RetryReport:
        """Queue many rejected or failed orders again: see `use_cases.retry_orders`."""
        return retry_orders.retry_orders(
            wanted,
            reason=reason,
            limit=limit,
            caller=caller,
            storage=self.storage,
            retry=lambda order_id: self.retry_order(RetryOrder(order_id=order_id, reason=reason), caller=caller),
        )

    def get_queue_status(self, *, caller: Caller) -> QueueStatus:
        """Describe the queue: see `use_cases.get_queue_status`."""
        sample, workers = self._orders.look()
        return get_queue_status.get_queue_status(sample, workers, now=self._clock.now(), caller=caller)

    def queue_place(self, order: Order) -> QueuePlace | None:
        """Tell where an order stands in the queue; None when it is not queued."""
        if order.status is not OrderStatus.QUEUED or order.queue_no is None:
            return None
        return get_queue_status.queue_place(order.queue_no, *self._orders.look())

    def list_dead_letters(self, *, caller: Caller, limit: int = PAGE_ITEMS_DEFAULT) -> list[DeadLetter]:
        """Return messages that could not be read: see `use_cases.dead_letters`."""
        return dead_letters.list_dead_letters(self.queue, caller=caller, limit=limit)

    def replay_dead_letters(self, ids: Sequence[str] | None, *, caller: Caller) -> int:
        """Send them (None: all) back to where they came from: see `use_cases.dead_letters`."""
        return dead_letters.replay_dead_letters(self.queue, ids, caller=caller)

    def discard_dead_letters(self, ids: Sequence[str] | None, *, caller: Caller) -> int:
        """Remove them (None: all) for good: see `use_cases.dead_letters`."""
        return dead_letters.discard_dead_letters(self.queue, ids, caller=caller)

    def run_worker(self, stop: threading.Event) -> None:
        """Place queued orders until `stop` is set."""
        self._orders.run_worker(stop)

    def run_event_relay(self, stop: threading.Event) -> None:
        """Publish events, taking turns with other relays, until `stop` is set; at once over where none are carried.

        A process of its own is the place for it: in a worker's it would take a good part of its time.
        """
        self._orders.run_event_relay(stop)

    def start_worker(self) -> None:
        """Place queued orders, and publish events, on threads of this process until `close`."""
        self._orders.start_worker()

    def import_orders(
        self,
        command: import_commands.ImportOrders,
        source: ByteSource,
        *,
        caller: Caller,
        rejects: Callable[[import_commands.ImportReject], None] | None = None,
        progress: Callable[[import_commands.ImportProgress], None] | None = None,
    ) -> import_commands.OrderImportReport:
        """Place the orders of a file, under no rate limit (it is an operator's, and paced by its transactions)."""
        return import_orders.import_orders(
            command,
            source,
            caller=caller,
            clock=self._clock,
            currency=self.settings.currency,
            location_priority=self.settings.locations,
            orders=self.storage.orders,
            commit=self._commit,
            rejects=rejects or _pass_over,
            progress=progress or _pass_over,
        )

    def get_order(self, order_id: UUID, *, caller: Caller) -> Order:
        """Return one order: see `use_cases.get_order`."""
        return get_order.get_order(order_id, caller=caller, storage=self.storage)

    def list_orders(
        self,
        wanted: OrderFilter | None = None,
        *,
        caller: Caller,
        cursor: str | None = None,
        limit: int = PAGE_ITEMS_DEFAULT,
    ) -> Page[Order]:
        """List orders, newest first unless the filter says otherwise: see `use_cases.list_orders`."""
        return list_orders.list_orders(
            wanted or OrderFilter(), caller=caller, storage=self.storage, cursor=cursor, limit=limit
        )

    def list_order_events(
        self, order_id: UUID, *, caller: Caller, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
    ) -> Page[Event]:
        """Return an order's history, oldest first: see `use_cases.list_order_events`."""
        return list_order_events.list_order_events(
            order_id, caller=caller, storage=self.storage, cursor=cursor, limit=limit
        )

    def change_order_status(self, command: ChangeOrderStatus, *, caller: Caller) -> Order:
        """Move an order to another status: see `use_cases.change_order_status`."""
        return change_order_status.change_order_status(command, caller=caller, clock=self._clock, storage=self.storage)

    def cancel_order(self, order_id: UUID, *, caller: Caller, reason: str | None = None) -> Order:
        """Cancel an order that has not shipped: see `use_cases.cancel_order`."""
        return cancel_order.cancel_order(
            order_id, reason=reason, caller=caller, clock=self._clock, storage=self.storage
        )

    def set_stock(self, command: SetStock, *, caller: Caller) -> StockChanged:
        """Create a product, or set its count, name or threshold: see `use_cases.set_stock`."""
        return set_stock.set_stock(
            command,
            caller=caller,
            clock=self._clock,
            storage=self.storage,
            default_location=self.settings.default_location,
        )

    def adjust_stock(self, command: AdjustStock, *, caller: Caller) -> StockChanged:
        """Correct a count by a difference: see `use_cases.adjust_stock`."""
        return adjust_stock.adjust_stock(
            command,
            caller=caller,
            clock=self._clock,
            storage=self.storage,
            default_location=self.settings.default_location,
        )

    def receive_stock(self, command: ReceiveStock, *, caller: Caller) -> StockChanged:
        """Record goods that arrived: see `use_cases.receive_stock`."""
        return receive_stock.receive_stock(
            command,
            caller=caller,
            clock=self._clock,
            storage=self.storage,
            default_location=self.settings.default_location,
        )

    def get_product(self, sku: str, *, caller: Caller) -> Product:
        """Return one product's stock: see `use_cases.get_product`."""
        return get_product.get_product(sku, caller=caller, storage=self.storage)

    def list_products(
        self,
        wanted: ProductFilter | None = None,
        *,
        caller: Caller,
        cursor: str | None = None,
        limit: int = PAGE_ITEMS_DEFAULT,
    ) -> Page[Product]:
        """List products by SKU: see `use_cases.list_products`."""
        return list_products.list_products(
            wanted or ProductFilter(), caller=caller, storage=self.storage, cursor=cursor, limit=limit
        )

    def list_movements(
        self, sku: str, *, caller: Caller, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
    ) -> Page[Movement]:
        """Return a product's ledger, newest first: see `use_cases.list_movements`."""
        return list_movements.list_movements(sku, caller=caller, storage=self.storage, cursor=cursor, limit=limit)

    def export_stock(self, *, caller: Caller, wanted: ProductFilter | None = None) -> Iterator[Product]:
        """Return every product, in bounded memory: see `use_cases.export_stock`."""
        return export_stock.export_stock(caller=caller, storage=self.storage, wanted=wanted)

    def delete_product(self, command: DeleteProduct, *, caller: Caller) -> None:
        """Delete a product that was never used: see `use_cases.delete_product`."""
        delete_product.delete_product(command, caller=caller, clock=self._clock, storage=self.storage)

    def import_stock(
        self,
        command: import_commands.ImportStock,
        source: ByteSource,
        *,
        caller: Caller,
        rejects: Callable[[import_commands.ImportReject], None] | None = None,
        progress: Callable[[import_commands.ImportProgress], None] | None = None,
    ) -> import_commands.StockImportReport:
        """Set or adjust stock from a file of rows: see `use_cases.import_stock`."""
        return import_stock.import_stock(
            command,
            source,
            caller=caller,
            clock=self._clock,
            imports=self.storage.imports,
            locations=self.settings.locations,
            rejects=rejects or _pass_over,
            progress=progress or _pass_over,
        )

    def audit(self, *, caller: Caller, progress: Callable[[int, int], None] | None = None) -> AuditReport:
        """Prove that counters, ledger and open orders agree: see `use_cases.audit`."""
        return audit.audit(caller=caller, storage=self.storage, progress=progress)

    def _authentication(self) -> Authenticate:
        limit = self.settings.rate_limits_in_force.get(RateScope.AUTH_FAILURES)
        return Authenticate(
            cache=ApiKeyCache(self._stored_key),
            uses=LastUses(self.storage),
            failed_attempts=FailedAttempts(limit, self.rate_limiter),
            repeats=FailedAttempts(limit, self.rate_limiter, counted_as="repeats"),
            refused=RefusedTokens(),
            clock=self._clock,
            metrics=self.metrics,
        )

    def _stored_key(self, key_id: UUID) -> StoredApiKey:
        return self.storage.keys.get(key_id)

    def _hand_in(self, placement: Placement) -> PlacementOutcome:
        if self._committer is not None:
            return self._committer.submit(placement)
        return self._commit([placement])[0]


def _pass_over(_: object) -> None:
    """Take what an import tells when nobody asked."""
