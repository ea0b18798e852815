"""Imports: a file of stock, or of orders, of any length in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oms_core.documents.byte_sources import ByteSource
from oms_core.domain.callers import Caller
from oms_core.domain.import_commands import (
    ImportOrders,
    ImportStock,
    OrderImportReport,
    StockImportReport,
    TellProgress,
    TellReject,
)
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.imports.import_orders import import_orders
from oms_core.use_cases.imports.import_stock import import_stock
from oms_core.use_cases.orders.intake import Intake


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """Imports of files. `rejects` is told every row that is not applied, `progress` how far an import has come.

    `intake` makes what places orders, unless it is there; an import of stock needs none.
    """

    storage: Storage
    clock: Clock
    currency: str
    locations: Sequence[str]
    intake: Callable[[], Intake]

    def orders(
        self,
        command: ImportOrders,
        source: ByteSource,
        *,
        caller: Caller,
        rejects: TellReject | None = None,
        progress: TellProgress | None = None,
    ) -> OrderImportReport:
        """Place the orders of a file. No rate limit applies: an operator imports, and transactions set the pace.

        See `import_orders` for what is done about bad rows, and for the errors.
        """
        return import_orders(
            command,
            source,
            caller=caller,
            clock=self.clock,
            currency=self.currency,
            location_priority=self.locations,
            orders=self.storage.orders,
            commit=self.intake().place_many,
            rejects=rejects or _pass_over,
            progress=progress or _pass_over,
        )

    def stock(
        self,
        command: ImportStock,
        source: ByteSource,
        *,
        caller: Caller,
        rejects: TellReject | None = None,
        progress: TellProgress | None = None,
    ) -> StockImportReport:
        """Set or adjust stock from a file of rows. See `import_stock` for bad rows, reruns and errors."""
        return import_stock(
            command,
            source,
            caller=caller,
            clock=self.clock,
            imports=self.storage.imports,
            locations=self.locations,
            rejects=rejects or _pass_over,
            progress=progress or _pass_over,
        )


def _pass_over(_: object) -> None:
    """Do nothing with what an import tells."""
