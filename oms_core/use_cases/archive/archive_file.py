"""The file of an archive: JSON Lines in gzip (RFC 1952), a member a batch, so that what is whole stays readable.

The first member names the format. A member is written, synchronised and read back before its orders leave the
database. So a run that was killed can only leave an unfinished member at the end, whose orders are all still there: it
is cut off.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from oms_core.documents.archives import ArchivedDocument, read_archived
from oms_core.errors import OmsError

try:
    import fcntl
except ImportError:  # Not on Windows, where two runs at once are the operator's to avoid.
    fcntl = None  # type: ignore[assignment]

_FORMAT = {"archive": "orderkeep", "format": 1}
_HEAD = gzip.compress(json.dumps(_FORMAT).encode() + b"\n", mtime=0)
_CHUNK_BYTES = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


class ArchiveFile:
    """An archive that one run appends to; `last` has the documents of its last batch."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self.last = self._recovered()

    def append(self, lines: Sequence[bytes]) -> None:
        """Write a batch, and read it back: afterwards it is on the disk as it should be. Raise OSError."""
        content = b"".join([line + b"\n" for line in lines])
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(gzip.compress(content, compresslevel=6, mtime=0))
        self._file.flush()
        os.fsync(self._file.fileno())
        with self._path.open("rb") as written:
            written.seek(start)
            if gzip.decompress(written.read()) != content:
                raise OSError(f"{self._path} does not have what was written to it")

    def _recovered(self) -> list[ArchivedDocument]:
        """Cut off an unfinished member; return the documents of the last whole one."""
        end, last = 0, b""
        for end, last in _members(self._file, self._path):  # noqa: B007  The last of them is wanted.
            pass
        if end == 0:
            raise _no_archive(self._path, "it has no whole beginning")
        documents = [_document(line, self._path) for line in last.splitlines()] if end > len(_HEAD) else []
        self._file.truncate(end)
        return documents


@contextmanager
def appending(path: Path) -> Iterator[ArchiveFile]:
    """Open an archive to append to, for one run at a time; make one where there is no file, or an empty one.

    Raise `validation_error` for a file that is no archive, or that another run appends to.
    """
    try:
        with path.open("a+b") as file:
            _lock(file, path)
            if file.seek(0, os.SEEK_END) == 0:
                file.write(_HEAD)
                file.flush()
                os.fsync(file.fileno())
                _synchronise_folder(path.parent)
            yield ArchiveFile(file, path)
    except OSError as error:
        raise OmsError("validation_error", f"{path}: {error.strerror or error}") from error


def documents_of(path: Path) -> Iterator[ArchivedDocument]:
    """Read an archive, in the order in which its orders have left. An unfinished end is passed over.

    Raise `validation_error` for a file that is no archive or is damaged.
    """
    try:
        with path.open("rb") as file:
            members = _members(file, path)
            if next(members, None) is None:
                raise _no_archive(path, "it has no whole beginning")
            for _, content in members:
                for line in content.splitlines():
                    yield _document(line, path)
    except OSError as error:
        raise OmsError("validation_error", f"{path}: {error.strerror or error}") from error


def _members(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    """Read whole members: where each ends in the file, and what it has. The first must be an archive's."""
    file.seek(0)
    end, rest = 0, b""
    while True:
        decoder, content, consumed = zlib.decompressobj(_GZIP), [], 0
        while not decoder.eof:
            chunk = rest or file.read(_CHUNK_BYTES)
            rest = b""
            if not chunk:
                return
            try:
                content.append(decoder.decompress(chunk))
            except zlib.error as error:
                raise _no_archive(path, f"byte {end + consumed:,} and what follows is not gzip") from error
            consumed += len(chunk)
        rest = decoder.unused_data
        text = b"".join(content)
        if end == 0 and not _is_head(text):
            raise _no_archive(path, "it does not begin as one")
        end += consumed - len(rest)
        yield end, text


def _is_head(text: bytes) -> bool:
    with suppress(ValueError):
        return bool(json.loads(text) == _FORMAT)
    return False


def _document(line: bytes, path: Path) -> ArchivedDocument:
    try:
        return read_archived(line)
    except (ValueError, TypeError, KeyError) as error:
        raise _no_archive(path, "a line of it is no order") from error


def _no_archive(path: Path, why: str) -> OmsError:
    return OmsError("validation_error", f"{path} is not an archive of orders, or damaged: {why}")


def _lock(file: BinaryIO, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OmsError("validation_error", f"{path}: another run appends to it") from error


def _synchronise_folder(folder: Path) -> None:
    """Make a new file's name as durable as the file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
