"""What a service takes of memory and of temporary files while something else happens: looked at from outside."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOK_SECONDS = 0.1


@dataclass(slots=True)
class Footprint:
    """The most that was seen: memory of one process, and all files without a name together."""

    memory_bytes: int = 0
    temporary_bytes: int = 0

    def look(self, pid: int) -> None:
        """Look at a process and its children once."""
        sizes: dict[int, int] = {}
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):
                self.memory_bytes = max(self.memory_bytes, process.memory_info().rss)
                sizes |= _unnamed_files(process.pid)
        self.temporary_bytes = max(self.temporary_bytes, sum(sizes.values()))


@contextlib.contextmanager
def footprint_of(pid: int) -> Iterator[Footprint]:
    """Keep looking at a process and its children for as long as the block runs."""
    footprint, done = Footprint(), threading.Event()

    def keep_looking() -> None:
        while not done.wait(LOOK_SECONDS):
            footprint.look(pid)

    thread = threading.Thread(target=keep_looking)
    thread.start()
    try:
        yield footprint
    finally:
        done.set()
        thread.join()


def _unnamed_files(pid: int) -> dict[int, int]:
    """Give the sizes of a process's open files that have no name, by their inode (Linux)."""
    sizes = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(link.readlink()).endswith(" (deleted)"):
                found = link.stat()
                sizes[found.st_ino] = found.st_size
    return sizes
