"""The options that every command takes, and how they travel from the command line to a session."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from oms_cli.terminal.output import OutputFormat

_PANEL = "Options of every command"

OutputOption = Annotated[
    OutputFormat | None,
    typer.Option(
        "--output", "-o", case_sensitive=False, help="How to write data; a table if not given.", rich_help_panel=_PANEL
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database-url", metavar="URL", help="The database, over OMS_DATABASE_URL.", rich_help_panel=_PANEL),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML, in place of ./oms.toml.", rich_help_panel=_PANEL),
]
ActorOption = Annotated[
    str | None,
    typer.Option(
        "--actor", metavar="NAME", show_default="the OS user", help="Who acts, for the ledger.", rich_help_panel=_PANEL
    ),
]

EVERYWHERE: Mapping[str, Any] = MappingProxyType(
    {"output": OutputOption, "database_url": DatabaseOption, "config": ConfigOption, "actor": ActorOption}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Everywhere:
    """What was given of the options that every command takes; None where nothing was."""

    output: OutputFormat | None = None
    database_url: str | None = None
    config: Path | None = None
    actor: str | None = None

    def over(self, other: Everywhere) -> Everywhere:
        """Combine with what was given further left on the command line."""
        names = [entry.name for entry in fields(self)]
        return Everywhere(
            **{name: getattr(other, name) if getattr(self, name) is None else getattr(self, name) for name in names}
        )


def parameters(*, without: frozenset[str]) -> list[inspect.Parameter]:
    """Return the options as parameters of a function, for Typer to read."""
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in EVERYWHERE.items()
        if name not in without
    ]
