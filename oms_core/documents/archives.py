"""The lines of an archive: an order with its ledger rows and events, as the service's JSON, one to a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from oms_core.documents.orders import show_event, show_order
from oms_core.documents.returns import show_return
from oms_core.documents.shipments import show_shipment
from oms_core.documents.stock import show_movement
from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.orders.archiving import ArchivedOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedDocument:
    """A line of an archive: its parts are shown as the REST API shows them.

    A line that an earlier release has written has no shipments, or no returns.
    """

    order: Mapping[str, Any]
    movements: tuple[Mapping[str, Any], ...]
    events: tuple[Mapping[str, Any], ...]
    shipments: tuple[Mapping[str, Any], ...] = ()
    returns: tuple[Mapping[str, Any], ...] = ()

    @property
    def id(self) -> UUID:
        """The order's id."""
        return parse_uuid(self.order["id"])

    @property
    def version(self) -> int:
        """The order's version."""
        version: int = self.order["version"]
        return version

    @property
    def document(self) -> dict[str, object]:
        """The line as a JSON object."""
        parts = {"order": self.order, "movements": self.movements, "events": self.events}
        return {**parts, "shipments": self.shipments, "returns": self.returns}


def show_archived(archived: ArchivedOrder) -> dict[str, object]:
    """Show an order that leaves, with all that leaves with it."""
    return {
        "order": show_order(archived.order),
        "movements": [show_movement(movement) for movement in archived.movements],
        "events": [show_event(event) for event in archived.events],
        "shipments": [show_shipment(shipment) for shipment in archived.shipments],
        "returns": [show_return(made) for made in archived.returns],
    }


def read_archived(line: bytes) -> ArchivedDocument:
    """Read a line of an archive. Raise ValueError, TypeError or KeyError for what is none."""
    document: Any = json.loads(line)
    return ArchivedDocument(
        order=document["order"],
        movements=tuple(document["movements"]),
        events=tuple(document["events"]),
        shipments=tuple(document.get("shipments", ())),
        returns=tuple(document.get("returns", ())),
    )
