"""Opening one database imports nothing of the other, and needs no driver but its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

OPENING = """
import sys
sys.modules[{absent!r}] = None  # As if it were not installed.
from importlib.metadata import entry_points
from oms_core.ports.storage import StorageOptions

(opener,) = entry_points(group="oms.storage", name={url!r}.partition(":")[0])
opener.load()({url!r}, StorageOptions()).close()
print(*sorted(name for name in sys.modules if name.startswith("oms_peewee.")))
"""


def modules_after_opening(url: str, absent: str) -> list[str]:
    script = OPENING.format(url=url, absent=absent)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize(
    ("url", "absent", "own", "other"),
    [
        ("sqlite:///{folder}/oms.db", "psycopg2", "oms_peewee.sqlite", "oms_peewee.postgresql"),
        ("postgresql://nobody@127.0.0.1:1/oms", "oms_peewee.sqlite", "oms_peewee.postgresql", "oms_peewee.sqlite"),
    ],
    ids=["sqlite", "postgresql"],
)
def test_opening_one_database_imports_nothing_of_the_other(
    url: str, absent: str, own: str, other: str, tmp_path: Path
) -> None:
    imported = modules_after_opening(url.format(folder=tmp_path), absent)
    assert own in imported
    assert [name for name in imported if name.startswith(f"{other}.")] == []
