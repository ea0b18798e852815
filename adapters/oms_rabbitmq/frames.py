"""Frames as pika reads them, and the properties of a message that it cannot read left out.

RabbitMQ passes on what it has no need to look at: a timestamp past the calendar's end, tables in tables without end.
pika gives the connection up over them. Whoever may publish could so end all deliveries for good, since the message
comes again on each new connection.
"""

from __future__ import annotations

import struct
from typing import TypeAlias

from pika.exceptions import InvalidFieldTypeException
from pika.frame import Frame, Header, ProtocolHeader, decode_frame
from pika.spec import FRAME_END_SIZE, FRAME_HEADER, FRAME_HEADER_SIZE, BasicProperties

ReadFrame: TypeAlias = tuple[int, Frame | ProtocolHeader | None]

_UNREADABLE = (ArithmeticError, ValueError, OSError, RecursionError, struct.error, InvalidFieldTypeException)


def read_frame(received: bytes) -> ReadFrame:
    """Return how many bytes the first frame takes, and the frame; 0 and None while it is not there as a whole.

    A message whose properties cannot be read has none. Raises what pika does for anything else that is no frame.
    """
    try:
        return decode_frame(received)
    except _UNREADABLE:
        kind, channel, size = struct.unpack_from(">BHL", received)
        if kind != FRAME_HEADER:
            raise
        _, _, body_bytes = struct.unpack_from(">HHQ", received, FRAME_HEADER_SIZE)
        return FRAME_HEADER_SIZE + size + FRAME_END_SIZE, Header(channel, body_bytes, BasicProperties())
