"""Files that a command reads and writes: a path, or `-` for stdin and stdout."""

from __future__ import annotations

import os
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO, cast

import typer

from oms_cli.terminal.exits import usage_error
from oms_cli.terminal.output import OutputFormat, open_output
from oms_cli.terminal.streams import is_closed
from oms_core.errors import OmsError


@contextmanager
def open_input(path: str) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes; `-` is stdin. A missing or unreadable one is a usage error."""
    if path == "-":
        yield standard_input()
        return
    try:
        stream = Path(path).open("rb")  # noqa: SIM115  Closed below; its own errors are not the reader's.
    except OSError as error:
        usage_error(f"cannot read {path}: {error.strerror}")
    with stream:
        yield stream


def standard_input() -> IO[bytes]:
    """Return stdin. A closed stdin (`<&-`) is a usage error, because it would look like an empty file."""
    if is_closed(sys.stdin):
        usage_error("- reads stdin, which is closed")
    return sys.stdin.buffer


def read_document(path: str, *, bytes_max: int) -> bytes:
    """Return the content of a small file without its byte order mark. Raise `payload_too_large`."""
    with open_input(path) as stream:
        content = stream.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise OmsError("payload_too_large", f"the document is larger than {bytes_max} bytes")
    return content.removeprefix(BOM_UTF8)


@contextmanager
def open_new_file(path: str, *, overwrite: bool) -> Iterator[TextIO]:
    """Open a file for writing UTF-8; `-` is stdout.

    The file appears under its name when it is whole, so a failure leaves what was there before. An existing file is
    replaced only with `overwrite`, or if somebody at the terminal says so. A link is followed. A pipe or a device is
    written to directly.
    """
    if path == "-":
        yield open_output(OutputFormat.CSV).stream
        return
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        with _opened(target, "w") as stream:
            yield stream
        return
    if target.exists() and not overwrite:
        confirm(f"{path} is there already. Replace it?")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    stream = _opened(part, "x")
    try:
        with stream:
            yield stream
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def is_open_as(stream: IO[bytes], path: Path) -> bool:
    """Return whether a stream reads this file, under whatever name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except OSError:  # There is none, or the stream reads no file.
        return False


def _opened(path: Path, mode: str) -> TextIO:
    try:
        return cast(TextIO, path.open(mode, encoding="utf-8", newline="\n"))
    except OSError as error:
        usage_error(f"cannot write {path}: {error.strerror}")


def confirm(question: str) -> None:
    """Ask at the terminal, and end the command unless the answer is yes. Without a terminal it is a usage error."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        usage_error(f"{question} Say so with --yes: there is no terminal to ask at")
    if not typer.confirm(question, err=True):
        raise typer.Abort
