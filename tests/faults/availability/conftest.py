"""Pairs of PostgreSQL servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.plugin import do_without
from tests.services.run import Run
from tests.services.standbys import PostgresqlPair
from tests.services.unusable import ServerUnusable


@pytest.fixture
def pair(test_run: Run) -> Iterator[PostgresqlPair]:
    """A primary and its synchronous standby."""
    try:
        pair = PostgresqlPair(test_run)
    except ServerUnusable as error:
        do_without(f"NO PRIVATE POSTGRESQL: {error}")
    try:
        pair.start()
        yield pair
    finally:
        pair.discard()
