"""Request ids: the client's where it is fit to be logged and echoed, else one of ours."""

from __future__ import annotations

import os
import re

_FIT = re.compile(r"[\x21-\x7e]{1,128}").fullmatch


def request_id(offered: str | None) -> str:
    """Return the X-Request-ID offered if it is 1 to 128 visible ASCII characters, else 32 random hex digits."""
    if offered is not None and _FIT(offered):
        return offered
    return os.urandom(16).hex()
