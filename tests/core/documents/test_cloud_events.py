"""Events as they leave: CloudEvents 1.0."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from oms_core.documents.cloud_events import outgoing_event
from oms_core.documents.orders import show_event
from oms_core.domain.events import Event, EventType, NewEvent

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
ORDER = UUID("01980000-0000-7000-8000-000000000001")
# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#context-attributes
REQUIRED = {"id", "source", "specversion", "type"}
OPTIONAL = {"datacontenttype", "dataschema", "subject", "time"}


def event(kind: EventType = EventType.ORDER_PLACED) -> Event:
    of_stock = kind.startswith("stock.")
    new = NewEvent(
        type=kind,
        order_id=None if of_stock else ORDER,
        order_version=None if of_stock else 2,
        sku="GRÜN/1" if of_stock else None,
        data={"from": "queued", "to": "pending", "reason": "«ja»"},
    )
    return Event(id=17, event=new, actor="clerk", request_id="r1", created_at=NOW)


@pytest.mark.parametrize("kind", EventType)
def test_every_event_has_the_attributes_that_the_specification_requires(kind: EventType) -> None:
    outgoing = outgoing_event(event(kind), source="/oms")
    document = json.loads(outgoing.body)
    assert document.keys() - {"data"} <= REQUIRED | OPTIONAL
    assert document.keys() >= REQUIRED
    assert document["specversion"] == "1.0"
    assert all(isinstance(document[name], str) and document[name] for name in REQUIRED | OPTIONAL - {"dataschema"})
    assert (outgoing.id, outgoing.type) == (document["id"], document["type"]) == ("17", kind.value)


def test_an_event_of_an_order_is_about_the_order() -> None:
    document = json.loads(outgoing_event(event(), source="/shop").body)
    assert (document["source"], document["subject"]) == ("/shop", str(ORDER))
    assert document["data"] == show_event(event())
    assert document["datacontenttype"] == "application/json"


def test_an_event_of_stock_is_about_the_product() -> None:
    document = json.loads(outgoing_event(event(EventType.STOCK_LOW), source="/oms").body)
    assert document["subject"] == "GRÜN/1"
    assert document["data"]["order_id"] is None


def test_the_time_is_that_of_the_event_in_rfc_3339() -> None:
    assert json.loads(outgoing_event(event(), source="/oms").body)["time"] == "2026-01-02T03:04:05.000006Z"


def test_the_body_is_utf_8_json_and_the_type_a_routing_key() -> None:
    outgoing = outgoing_event(event(), source="/oms")
    assert json.loads(outgoing.body.decode())["data"]["data"]["reason"] == "«ja»"
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", kind.value) for kind in EventType)
