"""What this project is called where packages are installed; its import packages and its command have other names."""

from __future__ import annotations

from importlib.metadata import version

DISTRIBUTION = "orderkeep"


def installed_version() -> str:
    """Return the version of the installed distribution."""
    return version(DISTRIBUTION)


def advise_extra(extra: str) -> str:
    """Return what to do about a package that is missing: which extra brings it."""
    return f"install {DISTRIBUTION} with the extra '{extra}'"
