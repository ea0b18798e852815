"""What an interpreter that ends says of what it still holds: nothing."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from oms_core.runtime.background_thread import BackgroundThread

class Owner:
    def __init__(self):
        self.thread = BackgroundThread(self.work, name="x")
        self.itself = self

    def work(self):
        pass

gc.disable()
owner = Owner()
"""


def test_objects_that_begin_anew_in_forks_are_no_matter_when_the_interpreter_ends() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
