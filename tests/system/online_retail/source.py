"""Where the Online Retail files are: the project does not carry them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "OMS_TEST_ONLINE_RETAIL"
MONTHS = ("2010-12", "2011-01")

_BESIDE_THE_CHECKOUT = Path(__file__).parents[4] / "shared" / "data" / "online-retail"


def data_folder(environment: Mapping[str, str]) -> Path:
    """Give the folder that OMS_TEST_ONLINE_RETAIL names, else shared/data/online-retail beside the checkout."""
    return Path(environment.get(VARIABLE) or _BESIDE_THE_CHECKOUT)


def month_file(folder: Path, month: str) -> Path:
    """Give the file of a month, compressed or not; FileNotFoundError names what was looked for."""
    for path in (folder / f"{month}.csv.gz", folder / f"{month}.csv"):
        if path.exists():
            return path
    raise FileNotFoundError(f"there is no {folder / month}.csv.gz: {VARIABLE} names the files' folder")
