"""Properties of messages byte by byte (AMQP 0-9-1, 4.2.6), as no client library would write them."""

from __future__ import annotations

import struct

from pika.spec import BasicProperties


class RawProperties(BasicProperties):
    """Properties that are sent as they stand: the flags, then a value for each."""

    def __init__(self, encoded: bytes) -> None:
        super().__init__()
        self._encoded = encoded

    def encode(self) -> list[bytes]:
        return [self._encoded]


def with_headers(table: bytes) -> RawProperties:
    """Give properties that have nothing but headers, by the entries of their table."""
    return RawProperties(struct.pack(">H", BasicProperties.FLAG_HEADERS) + long(table))


def with_message_id(name: bytes) -> RawProperties:
    """Give properties that have nothing but a message id."""
    return RawProperties(struct.pack(">H", BasicProperties.FLAG_MESSAGE_ID) + short(name))


def time_entry(seconds: int) -> bytes:
    """Give an entry of a table that is a timestamp."""
    return short(b"at") + b"T" + struct.pack(">Q", seconds)


def text_entry(name: bytes, text: bytes) -> bytes:
    """Give an entry of a table that is a long string."""
    return short(name) + b"S" + long(text)


def nested_entry(depth: int) -> bytes:
    """Give an entry of a table that is a table with such an entry, and so on."""
    entry = b""
    for _ in range(depth):
        entry = short(b"in") + b"F" + long(entry)
    return entry


def short(text: bytes) -> bytes:
    """Write a short string."""
    return bytes([len(text)]) + text


def long(text: bytes) -> bytes:
    """Write a long string, or a table by its entries."""
    return struct.pack(">I", len(text)) + text
