"""Reading frames as pika does, but leaving out message properties that pika cannot read.

RabbitMQ passes on properties that it does not check: a timestamp past the calendar's end, endlessly nested tables. pika
ends the connection over them. Since the message is delivered again on each new connection, anybody who may publish
could stop all deliveries for good.
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
    """Return the length of the first frame in bytes, and the frame; 0 and None while it is not complete.

    A message whose properties cannot be read has none. For other bytes that are no frame, raise what pika raises.
    """
    try:
        return decode_frame(received)
    except _UNREADABLE:
        kind, channel, size = struct.unpack_from(">BHL", received)
        if kind != FRAME_HEADER:
            raise
        _, _, body_bytes = struct.unpack_from(">HHQ", received, FRAME_HEADER_SIZE)
        return FRAME_HEADER_SIZE + size + FRAME_END_SIZE, Header(channel, body_bytes, BasicProperties())
