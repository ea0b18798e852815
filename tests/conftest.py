"""What every test gets: the servers, and no settings of the developer's own."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

pytest_plugins = ["tests.services.plugin"]

# On a busy machine the time of one example says nothing about the code.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Hide OMS_DATABASE_URL and its like, which would send tests to a real database; let Ctrl-C reach what they start.

    A shell that runs the tests in the background has SIGINT ignored, and programs inherit that.
    """
    for name in [name for name in os.environ if name.startswith("OMS_") and not name.startswith("OMS_TEST_")]:
        del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
