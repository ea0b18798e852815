"""Takes every defence out, one at a time, in a copy of the checkout, and sees that its tests fail.

python -m tests.security.mutants [NAME ...]     all of them, or those whose names hold one of the words
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.security.mutation import Mutation
from tests.security.mutations import MUTATIONS
from tests.services.wheels import ROOT

COPIES = 2
TEST_SECONDS_MAX = 60
RUN_SECONDS_MAX = 400
SHOWN_CHARACTERS = 4_000
_FAILED = 1  # pytest's exit code; any other but 0 means that the tests were not run.
# The others of the environment take longer to load than most of these tests do to run.
_PLUGINS = ("-p", "no:cacheprovider", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin")
_WHERE = "import oms_core, oms_http, oms_cli, oms_memory; print(oms_core.__file__, oms_memory.__file__)"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the checkout, whose code is imported there instead of the installed one."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Copy:
        """Copy what git knows or would add; it is a checkout of its own, as the tests on the house need one."""
        listing = subprocess.run(
            ["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for name in filter(None, listing.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, folder / name)
        for command in (["git", "init", "--quiet"], ["git", "add", "--all"]):
            subprocess.run(command, cwd=folder, check=True)
        copy = cls(folder)
        # Such bytecode is known by its source's hash: one that was changed within a second is not taken for the old.
        copy.run("-m", "compileall", "-q", "--invalidation-mode", "checked-hash", ".")
        shown = copy.run("-c", _WHERE).stdout.split()
        if not all(Path(path).is_relative_to(folder) for path in shown) or not shown:
            raise RuntimeError(f"the copy would run other code: {shown}")
        return copy

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python here; a run that takes too long ends as one that failed otherwise than a test does."""
        paths = os.pathsep.join(str(self.folder / name) for name in ("", "adapters", "ddl"))
        environment = {**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = ["timeout", str(RUN_SECONDS_MAX), sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, errors="replace", check=False
        )

    def test(self, *tests: str) -> subprocess.CompletedProcess[str]:
        """Run tests until the first fails."""
        return self.run("-m", "pytest", "-qx", *_PLUGINS, "--timeout", str(TEST_SECONDS_MAX), *tests)

    def survivors(self, mutation: Mutation) -> list[str]:
        """Apply a mutation, and give those of its tests that do not fail, each with what pytest said at the end."""
        file = self.folder / mutation.file
        source = file.read_text()
        if source.count(mutation.before) != 1:
            return [f"{mutation.file} does not have the text once"]
        file.write_text(source.replace(mutation.before, mutation.after))
        try:
            runs = [(test, self.test(test)) for test in mutation.tests]
        finally:
            file.write_text(source)
        return [f"{test}: {_last_line(run.stdout)}" for test, run in runs if run.returncode != _FAILED]


def _is_green(copy: Copy, tests: Sequence[str]) -> bool:
    """See that the tests pass without any mutation; a busy machine has a second try, as CI has."""
    for _ in range(2):
        ran = copy.test(*tests)
        print(f"without any mutation: {_last_line(ran.stdout)}", flush=True)
        if ran.returncode == 0:
            return True
        print(ran.stdout[-SHOWN_CHARACTERS:])
    return False


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no word"])[-1]


def _run_all(mutations: Sequence[Mutation], copies: Sequence[Copy]) -> Iterator[tuple[Mutation, list[str]]]:
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def run(mutation: Mutation) -> list[str]:
        copy = free.get()
        try:
            return copy.survivors(mutation)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as threads:
        yield from zip(mutations, threads.map(run, mutations), strict=True)


def main(words: Sequence[str]) -> int:
    """Run the mutations and print a table; 1 if one survives, or if a test fails without any."""
    chosen = [each for each in MUTATIONS if not words or any(word in each.name for word in words)]
    survived = 0
    with tempfile.TemporaryDirectory(prefix="oms-mutants-") as folder:
        roots = [Path(folder) / str(number) for number in range(COPIES)]
        for root in roots:
            root.mkdir()
        copies = [Copy.make(root.resolve()) for root in roots]
        if not _is_green(copies[0], sorted({test for each in chosen for test in each.tests})):
            return 1
        for mutation, alive in _run_all(chosen, copies):
            survived += bool(alive)
            print(f"{'SURVIVED' if alive else 'killed':9}{mutation.name}", *alive, sep="\n           ", flush=True)
    print(f"{len(chosen)} mutants, {len(chosen) - survived} killed, {survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
