"""Events as they leave: CloudEvents 1.0 in structured JSON (https://github.com/cloudevents/spec, v1.0.2)."""

from __future__ import annotations

import json

from oms_core.documents.orders import show_event, show_time
from oms_core.domain.events import Event
from oms_core.ports.broker import OutgoingEvent


def outgoing_event(entry: Event, *, source: str) -> OutgoingEvent:
    """Return an event for publishing; `source` and the event's id together are unique."""
    what = entry.event
    document = {
        "specversion": "1.0",
        "id": str(entry.id),
        "source": source,
        "type": what.type.value,
        "subject": what.sku if what.order_id is None else str(what.order_id),
        "time": show_time(entry.created_at),
        "datacontenttype": "application/json",
        "data": show_event(entry),
    }
    return OutgoingEvent(id=str(entry.id), type=what.type.value, body=json.dumps(document).encode())
