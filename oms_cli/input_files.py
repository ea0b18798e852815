"""Files that a command reads: a path, or `-` for stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from oms_cli.command import usage_error
from oms_core.errors import OmsError


@contextmanager
def open_input(path: str) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes; `-` is stdin. A missing or unreadable one is a usage error."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(path).open("rb")  # noqa: SIM115  Closed below; its own errors are not the reader's.
    except OSError as error:
        usage_error(f"cannot read {path}: {error.strerror}")
    with stream:
        yield stream


def read_document(path: str, *, bytes_max: int) -> bytes:
    """Read a whole small file. Raises `payload_too_large`."""
    with open_input(path) as stream:
        content = stream.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise OmsError("payload_too_large", f"the document is larger than {bytes_max} bytes")
    return content
