"""The table of settings in docs/running.md lists every setting, in the order of `oms config show`, with its default."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from oms_core.settings.checks import variable
from oms_core.settings.sources import installed_groups

PAGE = Path("docs/running.md")
ROW = re.compile(r"^\| `(OMS_\w+)` \| (?:`(.*?)`|empty) \|", re.MULTILINE)


def shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def test_the_table_of_settings_is_that_of_the_program() -> None:
    _, _, table = PAGE.read_text().partition("<!-- settings:")
    rows = ROW.findall(table.partition("\n## ")[0])
    expected = [(variable(entry.name), shown(entry.default)) for group in installed_groups() for entry in fields(group)]
    assert rows == expected
