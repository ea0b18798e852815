"""What `oms --help` loads, which everybody waits for: its own words, and nothing of the system."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import typer

from oms_cli.main import PARTS, app

NOT_FOR_HELP = [
    *("oms_core.settings", "oms_core.bootstrap", "oms_core.domain.commands", "oms_core.oms", "oms_core.ports.storage"),
    *("oms_cli.commands.orders", "oms_cli.commands.inventory", "oms_cli.commands.serve", "oms_cli.commands.audit"),
    *("oms_peewee", "oms_http", "psycopg2", "peewee", "flask", "pika", "pydantic", "redis", "sqlite3", "granian"),
    "rich.progress",
]
ASK = """import sys
from oms_cli.program import main
sys.argv = ["oms", *sys.argv[1:]]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def loaded_by(*args: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", ASK, *args], capture_output=True, text=True, check=True, timeout=60)
    return set(ran.stderr.split())


def test_help_loads_nothing_of_the_system() -> None:
    assert not set(NOT_FOR_HELP) & loaded_by("--help")


def test_help_of_a_group_loads_no_other_group() -> None:
    loaded = loaded_by("queue", "--help")
    assert "oms_cli.commands.queue" in loaded
    assert not loaded & {"oms_cli.commands.inventory", "oms_cli.commands.serve", "oms_peewee"}


def test_the_summaries_are_the_first_words_of_each_commands_own_help() -> None:
    program: Any = typer.main.get_command(app)
    own = {name: found.help.split("\n")[0] for name, found in program.commands.items()}
    assert own == {name: part.summary for name, part in PARTS.items()}
