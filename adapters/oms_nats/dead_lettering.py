"""How a dead letter is written and read: the body as it was received, everything else in its headers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote
from uuid import uuid4

from oms_core.errors import OmsError
from oms_core.ports.broker import DeadLetter, Message, MessageKind
from oms_nats.confirms import Outgoing
from oms_nats.topology import Names

MESSAGE_BYTES_MAX: Final = 1_048_576
HEADER_BYTES_MAX: Final = 16_384  # A character of the detail may take twelve.
_DETAIL_CHARACTERS_MAX = 1_000
_PLAIN = " !#$&'()*+,-./:;<=>?@[]^_`{|}~\""  # Besides letters and digits: what a header may hold, but for %.


def to_dead(names: Names, message: Message, reason: OmsError, *, message_bytes_max: int) -> Outgoing:
    """Return a message as a dead letter, with the reason in its headers.

    A body that leaves no room for the headers within the server's bound is cut.
    """
    headers = {
        "Oms-Kind": message.kind.value,
        "Oms-Code": reason.code,
        "Oms-Detail": quote(reason.detail[:_DETAIL_CHARACTERS_MAX], safe=_PLAIN, errors="replace"),
        "Oms-Died-At": datetime.now(UTC).isoformat(),
    }
    body = message.body[: message_bytes_max - HEADER_BYTES_MAX]
    return Outgoing(subject=names.dead, id=str(uuid4()), body=body, headers=headers)


def bounded(body: bytes) -> bytes:
    """Cut a body above 1 MiB after the byte that makes it too large. The core then refuses it by its size."""
    return body if len(body) <= MESSAGE_BYTES_MAX else body[: MESSAGE_BYTES_MAX + 1]


def letter_id(sequence: int, stored_at: str) -> str:
    """Return a letter's id: its number, and what tells it from a letter of the same number in a later stream."""
    return f"{sequence}-{hashlib.sha256(stored_at.encode()).hexdigest()[:12]}"


def sequence_of(text: str) -> int | None:
    """Return the number in a letter's id, None if there is none."""
    number = text.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) <= len(str(2**64)) else None


def read_letter(*, letter: str, stored_at: str, headers: Mapping[str, str], body: bytes) -> DeadLetter:
    """Read a dead letter. If somebody else wrote it, read what is there; `stored_at` is the broker's time."""
    return DeadLetter(
        id=letter,
        kind=MessageKind.ORDER_IDS if headers.get("Oms-Kind") == MessageKind.ORDER_IDS.value else MessageKind.COMMAND,
        code=headers.get("Oms-Code", ""),
        detail=unquote(headers.get("Oms-Detail", "")),
        body=bounded(body),
        died_at=_time(headers.get("Oms-Died-At", "")) or _time(stored_at),
    )


def read_headers(lines: bytes) -> dict[str, str]:
    """Read the headers of a message, and pass over lines that are none."""
    pairs = (line.partition(":") for line in lines.decode(errors="replace").split("\r\n")[1:])
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00" if text.endswith("Z") else text)
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):  # No time, or one that is off the calendar in UTC.
        return None
