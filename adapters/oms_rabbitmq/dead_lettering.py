"""How a dead letter is written and read: the body as it was received, everything else in its properties."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from pika import DeliveryMode
from pika.spec import BasicProperties

from oms_core.errors import OmsError
from oms_core.ports.broker import DeadLetter, Message, MessageKind
from oms_rabbitmq.confirms import Outgoing
from oms_rabbitmq.topology import Names

MESSAGE_BYTES_MAX: Final = 1_048_576
_DETAIL_CHARACTERS_MAX = 1_000  # All headers together have to fit into one frame of 128 KiB.


def to_dead(names: Names, message: Message, reason: OmsError) -> Outgoing:
    """Return a message as a dead letter, with a new id, and with the reason in its headers."""
    headers = {
        "x-oms-kind": message.kind.value,
        "x-oms-code": reason.code,
        "x-oms-detail": reason.detail[:_DETAIL_CHARACTERS_MAX].encode(errors="replace").decode(),
        "x-oms-died-at": datetime.now(UTC).isoformat(),
    }
    properties = BasicProperties(message_id=str(uuid4()), delivery_mode=DeliveryMode.Persistent.value, headers=headers)
    return Outgoing(exchange="", routing_key=names.dead, body=message.body, properties=properties, mandatory=True)


def bounded(body: bytes) -> bytes:
    """Cut a body above 1 MiB after the byte that makes it too large. The core then refuses it by its size."""
    return body if len(body) <= MESSAGE_BYTES_MAX else body[: MESSAGE_BYTES_MAX + 1]


def read_letter(properties: BasicProperties, body: bytes) -> DeadLetter:
    """Read a dead letter. If somebody else wrote it, read what is there."""
    headers: Mapping[str, Any] = properties.headers or {}
    came_as = str(headers.get("x-oms-kind", ""))
    return DeadLetter(
        id=_text(properties.message_id) or hashlib.sha256(body).hexdigest()[:32],
        kind=MessageKind.ORDER_IDS if came_as == MessageKind.ORDER_IDS.value else MessageKind.COMMAND,
        code=str(headers.get("x-oms-code", "")),
        detail=str(headers.get("x-oms-detail", "")),
        body=body,
        died_at=_time(str(headers.get("x-oms-died-at", ""))),
    )


def _text(value: object) -> str | None:
    """Return a short string or None; pika returns bytes for a string that is not UTF-8."""
    return value if isinstance(value, str) else None


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):  # No time, or one that is off the calendar in UTC.
        return None
