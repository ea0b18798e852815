"""The databases to replay into, and the files: a made one that is always there, and the real ones where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.system.online_retail.source import data_folder, month_file

FIXTURE = Path(__file__).with_name("fixture.csv")


@pytest.fixture
def made_file() -> Path:
    """Some sixty invented lines with every kind of mess that the real files have, and some more."""
    return FIXTURE


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
        return url
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/retail.db"


@pytest.fixture
def real_file(month: str) -> Path:
    """The real file of a month; it is no part of the project, so its tests skip where it is absent."""
    try:
        return month_file(data_folder(os.environ), month)
    except FileNotFoundError as error:
        pytest.skip(f"REAL ORDERS NOT REPLAYED: {error}")
