"""An installation as the image and the units have it: the locked packages alone, in a place where little is allowed."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.tools import DEPLOY
from tests.services.plugin import do_without
from tests.services.wheels import create_bare_environment

LOCK = DEPLOY / "requirements.lock"
PIN = re.compile(r"^([a-z0-9][\w.-]*)==(\S+)([^\n]*\\\n(?: +--hash=\S+(?: \\)?\n)+)", re.MULTILINE)
HASH = re.compile(r"--hash=(\S+)")
# As PR_SET_MDWE of prctl(2): no memory may be both written and run, which is systemd's MemoryDenyWriteExecute.
DENY = (
    "import ctypes, os, sys; "
    "sys.exit('no PR_SET_MDWE') if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) else os.execv(sys.argv[1], sys.argv[1:])"
)


def pins(lock: Path) -> dict[tuple[str, str], set[str]]:
    """Give the hashes of each package and version that a lock file names."""
    return {(name, version): set(HASH.findall(rest)) for name, version, rest in PIN.findall(lock.read_text())}


def needed(name: str, extras: Iterable[str]) -> set[str]:
    """Name all packages that a package needs under these extras, on this system, as they are installed here."""
    found: set[str] = set()
    waiting = [(name, frozenset(extras))]
    seen = set(waiting)
    while waiting:
        package, wanted = waiting.pop()
        for line in distribution(package).requires or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in wanted | {""}):
                continue
            found.add(canonicalize_name(requirement.name))
            entry = (requirement.name, frozenset(requirement.extras))
            if entry not in seen:
                seen.add(entry)
                waiting.append(entry)
    return found - {name}


def create_lean_environment(folder: Path, wheel: Path) -> Path:
    """Make an environment with the wheel and, linked from this one, the packages of the lock; give its bin folder."""
    environment = Path(create_bare_environment(folder, wheel))
    (packages,) = environment.glob("lib/python*/site-packages")
    ours = Path(sysconfig.get_paths()["purelib"])
    for name in sorted({name for name, _ in pins(LOCK)}):
        try:
            files = distribution(name).files or ()
        except PackageNotFoundError:  # For another system.
            continue
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (packages / top).symlink_to(ours / top)
    return environment / "bin"


def confined(command: list[str], writable: Path) -> list[str]:
    """Make a command run with a read-only root file system, one writable folder, no capability and no new privilege.

    A program of the system is missing, or we are not root: the test is skipped, or fails where CI=true.
    """
    for program in ("unshare", "setpriv", "mount"):
        if not shutil.which(program):
            do_without(f"NOT CONFINED: {program} is missing (Debian: util-linux, mount)")
    if os.geteuid():
        do_without("NOT CONFINED: only root may make the file system read-only for a test")
    limits = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    script = 'mount -t tmpfs tmpfs "$0" && mount -o remount,bind,ro / && exec "$@"'
    return [
        *("unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(writable)),
        *("setpriv", *limits, sys.executable, "-c", DENY, *command),
    ]
