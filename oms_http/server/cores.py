"""A core for each worker process, where there are no more cores than processes.

Only one thread of a process runs Python at a time. Spread over several cores its threads still take turns, but each
turn wakes another core; on one core they follow each other at once (docs/server.md has the measurement).
"""

from __future__ import annotations

import os
import socket
import sys

from oms_http.server.options import ServerOptions

_CORES_MIN = 2


def take_core(options: ServerOptions) -> socket.socket | None:
    """Keep this thread, and those it starts, to one core that no other worker process of this server has.

    Return what marks the core as taken until it is closed or the process ends, however that happens. None where nothing
    was changed: with one core or a spare one, with every core taken, and on other systems than Linux.
    """
    if sys.platform != "linux":
        return None
    cores = sorted(os.sched_getaffinity(0))
    if not _CORES_MIN <= len(cores) <= options.processes:
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
