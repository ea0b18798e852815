"""What the tests of the pages share: environments by install line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.plugin import do_without
from tests.services.run import Run
from tests.system.pages.environments import Environments, NotDownloadedError, fill_wheelhouse


@pytest.fixture(scope="session")
def environments(test_run: Run, wheel: Path) -> Environments:
    """The environments that the pages' install lines make."""
    try:
        wheelhouse = test_run.once("wheelhouse", lambda: fill_wheelhouse(test_run.new_folder("wheelhouse")))
    except NotDownloadedError as error:
        do_without(f"PROGRAMS OF THE PAGES NOT RUN: {error}")
    return Environments(run=test_run, wheel=wheel, wheelhouse=Path(wheelhouse))
