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


def test_what_builds_and_checks_sets_no_variable_that_commands_would_refuse() -> None:
    """A name that begins with OMS_ and is no setting ends every command that meets it."""
    texts = [Path(name).read_text() for name in (".ci/run", ".ci/audit", "Makefile")]
    named = {name for text in texts for name in re.findall(r"\bOMS_\w+", text) if not name.startswith("OMS_TEST_")}
    assert named <= {variable(entry.name) for group in installed_groups() for entry in fields(group)}
    assert named, "the Makefile tells of OMS_PORT"
