"""What processes have used so far, as the kernel counts it: processor time, and switches between threads."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

import psutil

SWITCHES = re.compile(r"^(?:non)?voluntary_ctxt_switches:\s*(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Processor time, and switches: voluntary ones wait for something, the others were made to make room."""

    cpu_seconds: float
    voluntary: int
    forced: int

    def since(self, before: Usage) -> Usage:
        """Give what was used since then."""
        return Usage(
            cpu_seconds=self.cpu_seconds - before.cpu_seconds,
            voluntary=self.voluntary - before.voluntary,
            forced=self.forced - before.forced,
        )


def usage_of(pid: int) -> Usage:
    """Add up what a process and its descendants have used: /proc/PID/task/*/schedstat and status (Linux)."""
    parent = psutil.Process(pid)
    nanoseconds = voluntary = forced = 0
    for process in (parent, *parent.children(recursive=True)):
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # A thread that has ended meanwhile.
                nanoseconds += int((task / "schedstat").read_text().split()[0])
                waited, made = map(int, SWITCHES.findall((task / "status").read_text()))
                voluntary, forced = voluntary + waited, forced + made
    return Usage(cpu_seconds=nanoseconds / 1e9, voluntary=voluntary, forced=forced)
