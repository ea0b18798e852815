"""A core for each worker process, where there are no more cores than processes and nothing takes part of them away.

Only one thread of a process runs Python at a time. Spread over several cores its threads still take turns, but each
turn wakes another core; on one core they follow each other at once (docs/server.md has the measurement).
"""

from __future__ import annotations

import math
import os
import socket
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from oms_http.server.options import ServerOptions

_CORES_MIN = 2
_CGROUPS = Path("/sys/fs/cgroup")
_HIERARCHIES = ("", "unified", "cpu", "cpu,cpuacct")  # Of version 2, of both versions side by side, of version 1.


def take_core(options: ServerOptions) -> socket.socket | None:
    """Keep this thread, and those it starts, to one core that no other worker process of this server has.

    Return what marks the core as taken until it is closed or the process ends, however that happens. Return None where
    nothing was changed: where it is not worth it, with every core taken, and on other systems than Linux.
    """
    if sys.platform != "linux":
        return None
    cores = sorted(os.sched_getaffinity(0))
    granted = granted_cpus(Path("/proc/self/cgroup").read_text(encoding="utf-8"), _CGROUPS)
    if not is_worth_it(cores, processes=options.processes, granted=granted):
        return None
    for core in cores:
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            # The kernel forgets this name with the process.
            mark.bind(f"\0oms-http-{options.port}-{os.getppid()}-core-{core}")
        except OSError:
            mark.close()
            continue
        os.sched_setaffinity(0, {core})
        return mark
    return None


def is_worth_it(cores: Collection[int], *, processes: int, granted: float) -> bool:
    """Return whether processes should keep to a core each.

    With one core or a spare one they should not. Nor where a quota of the cgroup grants less than the cores that are
    seen: others use those too, and a process must be free to move to the one that is idle.
    """
    return _CORES_MIN <= len(cores) <= processes and granted >= len(cores)


def granted_cpus(membership: str, mount: Path) -> float:
    """Return how many CPUs the cgroups of a process grant it, infinity where none has a quota (cgroups(7)).

    `membership` is its /proc/PID/cgroup. Every group above counts, and both versions of cgroups.
    """
    entries = (line.split(":", 2) for line in membership.splitlines())
    groups = [PurePosixPath(path) for _, kinds, path in entries if not kinds or "cpu" in kinds.split(",")]
    folders = {
        mount / hierarchy / above.relative_to("/")
        for group in groups
        for above in (group, *group.parents)
        for hierarchy in _HIERARCHIES
    }
    return min((quota for folder in folders for quota in _quotas(folder)), default=math.inf)


def _quotas(folder: Path) -> Iterator[float]:
    with suppress(OSError, ValueError):  # There is no such file, or it says "max".
        quota, period = map(int, (folder / "cpu.max").read_text(encoding="utf-8").split())
        yield quota / period
    with suppress(OSError, ValueError):
        quota, period = (
            int((folder / name).read_text(encoding="utf-8")) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        )
        if quota > 0:  # -1 is none.
            yield quota / period
