"""What a process keeps of the memory that large bodies have taken: nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

MIB = 1024 * 1024
PROGRAM = """
import sys
from oms_http.server.process import give_large_blocks_back

def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

if sys.argv[1] == "give back":
    give_large_blocks_back()
bytearray(30 * 2**20)  # From here on, glibc takes blocks of up to its size from the heap.
before = held()
blocks = [(bytearray(b"x") * (8 * 2**20), bytearray(b"x") * 700_000) for _ in range(10)]
kept = [small for _, small in blocks]
del blocks
print(held() - before - 700_000 * len(kept))
"""


def bytes_kept(how: str) -> int:
    """Free ten blocks of 8 MiB between small ones that stay, and give how much more than those is held."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, timeout=60, check=True)
    return int(ran.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="what is held is read from /proc")
def test_a_large_block_that_is_freed_is_the_systems_again() -> None:
    assert bytes_kept("give back") < 8 * MIB
    assert bytes_kept("as it is") > 40 * MIB, "the control: without it, they are kept"
