"""Imports: a file of stock, orders, shipments, returns or transfers, of any length in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

from oms_core.documents.byte_sources import ByteSource
from oms_core.domain.callers import Caller
from oms_core.domain.import_commands import (
    ImportOrders,
    ImportReturns,
    ImportShipments,
    ImportStock,
    OrderImportReport,
    ReturnImportReport,
    ShipmentImportReport,
    StockImportReport,
    TellProgress,
    TellReject,
)
from oms_core.domain.orders.holds import OrderDefaults
from oms_core.domain.transfer_imports import ImportTransfers, TransferImportReport
from oms_core.imports.act_kinds import RETURNS, SHIPMENTS
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.imports.import_acts import import_acts
from oms_core.use_cases.imports.import_orders import import_orders
from oms_core.use_cases.imports.import_stock import import_stock
from oms_core.use_cases.imports.import_transfers import import_transfers
from oms_core.use_cases.orders.intake import Intake
from oms_core.use_cases.orders.prepare_placement import write_prepared
from oms_core.use_cases.returns import Returns
from oms_core.use_cases.shipments import Shipments
from oms_core.use_cases.stock import Stock


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """Imports of files. `rejects` is called with every row that is not applied, `progress` with how far an import is.

    `intake` is called for what writes orders; an import of stock does not call it. `changes` are those of stock, by
    which transfers are made.
    """

    storage: Storage
    clock: Clock
    defaults: OrderDefaults
    intake: Callable[[], Intake]
    changes: Stock

    def orders(
        self,
        command: ImportOrders,
        source: ByteSource,
        *,
        caller: Caller,
        rejects: TellReject | None = None,
        progress: TellProgress | None = None,
    ) -> OrderImportReport:
        """Place the orders of a file. No rate limit applies, so it is for those who manage orders.

        `import_orders` says how bad rows are treated, and which errors are raised.
        """
        return import_orders(
            command,
            source,
            caller=caller,
            clock=self.clock,
            write=partial(
                write_prepared,
                caller=caller,
                clock=self.clock,
                currency=self.defaults.currency,
                holds=self.defaults.holds,
            ),
            location_priority=self.changes.known_locations.named,
            orders=self.storage.orders,
            commit=self.intake().place_many,
            rejects=rejects or _pass_over,
            progress=progress or _pass_over,
        )

    def shipments(
        self,
        command: ImportShipments,
        source: ByteSource,
        *,
        caller: Caller,
        rejects: TellReject | None = None,
        progress: TellProgress | None = None,
    ) -> ShipmentImportReport:
        """Ship orders as a file says, such as a logistics partner's. `import_acts` says how bad rows are treated, and
        lists the errors.
        """
        report = import_acts(
            SHIPMENTS,
            command,
            source,
            caller=caller,
            clock=self.clock,
            act=partial(Shipments(storage=self.storage, clock=self.clock).create_many, caller=caller),
            rejects=rejects or _pass_over,
            progress=progress or _pass_over,
        )
        return ShipmentImportReport(shipments=report.count, **asdict(report))

    def returns(
        self,
        command: ImportReturns,
        source: ByteSource,
        *,
        caller: Caller,
        rejects: TellReject | None = None,
        progress: TellProgress | None = None,
    ) -> ReturnImportReport:
        """Take back units as a file says, such as that of a warehouse which counts what came back. `import_acts` says
        how bad rows are treated, and lists the errors.
        """
        report = import_acts(
            RETURNS,
            command,
            source,
            caller=caller,
            clock=self.clock,
            act=partial(Returns(storage=self.storage, clock=self.clock).create_many, caller=caller),
            rejects=rejects or _pass_over,
            progress=progress or _pass_over,
        )
        return ReturnImportReport(returns=report.count, **asdict(report))

    def stock(
        self,
        command: ImportStock,
        source: ByteSource,
        *,
        caller: Caller,
        rejects: TellReject | None = None,
        progress: TellProgress | None = None,
    ) -> StockImportReport:
        """Set or adjust stock from a file. `import_stock` says how bad rows and reruns are treated, and lists the
        errors.
        """
        return import_stock(
            command,
            source,
            caller=caller,
            clock=self.clock,
            imports=self.storage.imports,
            known=self.changes.known_locations,
            rejects=rejects or _pass_over,
            progress=progress or _pass_over,
        )

    def transfers(
        self,
        command: ImportTransfers,
        source: ByteSource,
        *,
        caller: Caller,
        rejects: TellReject | None = None,
        progress: TellProgress | None = None,
    ) -> TransferImportReport:
        """Move units between locations as a file says, each row as `stock.transfer` does. `import_transfers` says how
        bad rows are treated, and lists the errors.
        """
        return import_transfers(
            command,
            source,
            caller=caller,
            clock=self.clock,
            transfer=partial(self.changes.transfer, caller=caller),
            rejects=rejects or _pass_over,
            progress=progress or _pass_over,
        )


def _pass_over(_: object) -> None:
    """Ignore what an import reports."""
