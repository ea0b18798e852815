"""The page about embedding names the parts of Oms and their methods as they are, and what they were called before."""

from __future__ import annotations

import re
from pathlib import Path

from oms_core import Oms
from tests.surface import METHODS

PAGE = Path("docs/embedding.md")
ROW = re.compile(r"^\| `(?P<part>oms(?:\.[a-z_]+)*)`(?P<itself> itself)? \| (?P<methods>.+) \|$", re.MULTILINE)
SCHEMA = {"schema.status", "schema.upgrade", "schema.check"}  # The port itself, which needs no caller.


def named(page: str) -> set[str]:
    """Return the methods of the table, as programs call them."""
    found: set[str] = set()
    for row in ROW.finditer(page):
        prefix = row["part"].removeprefix("oms").removeprefix(".")
        last = ""
        for name in re.findall(r"`([a-z_.]+)`", row["methods"]):
            last = name.rpartition(".")[0] if not name.startswith(".") else last
            whole = f"{last}{name}" if name.startswith(".") else name
            found.add(f"{prefix}.{whole}" if prefix else whole)
    return found


def test_the_page_names_every_method_of_every_part() -> None:
    inherited = {"refuse_if_closed", "close_parts"}
    assert named(PAGE.read_text(encoding="utf-8")) == {*METHODS, *SCHEMA, "open"} - inherited
    assert callable(Oms.open)


def test_a_method_that_is_missing_is_found() -> None:
    assert named("| `oms.queue` | `status`; `dead_letters.list`, `.replay` |") == {
        "queue.status",
        "queue.dead_letters.list",
        "queue.dead_letters.replay",
    }


def test_what_a_name_was_before_leads_to_one_that_is_there() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| before | now |")[2].partition("\n\n")[0]
    now = re.findall(r"\| `oms\.([a-z_.]+)\([^|]*\| `oms\.([a-z_.]+)\(", table)
    assert len(now) > 30
    assert {name for _, name in now} <= {*METHODS, *SCHEMA}
    assert Path("CHANGELOG.md").read_text(encoding="utf-8").count("`oms.orders.place_many(commands)`") == 1
