"""One run of the program: the options of every command, and what they give it: settings, caller, output, the system."""

from __future__ import annotations

import getpass
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oms_cli.terminal.output import Output, OutputFormat, open_output
from oms_core.errors import OmsError

if TYPE_CHECKING:
    from oms_core import Caller, Oms, Settings
    from oms_core.settings.sources import Group

_DEFAULT_FILE = "oms.toml"
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
        "--actor",
        metavar="NAME",
        show_default="OMS_LOCAL_CALLER",
        help="Who acts, for the ledger; whose idempotency keys they are.",
        rich_help_panel=_PANEL,
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
        """Return these options, and where they are not given those from further left on the command line."""
        names = [entry.name for entry in fields(self)]
        return Everywhere(
            **{name: getattr(other, name) if getattr(self, name) is None else getattr(self, name) for name in names}
        )


def open_oms(settings: Settings, create: bool) -> Oms:
    """Open the system; `create` allows making a missing database file."""
    from oms_core import Oms

    return Oms.open(settings, create=create)


def os_user() -> str:
    """Return the name of the operating system's user, who is the actor where no other is named."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container's user may have no name.
        return f"uid-{os.getuid()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a command takes from outside: tests put their own in."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    folder: Path = field(default_factory=Path.cwd)
    open_oms: Callable[[Settings, bool], Oms] = open_oms
    os_user: Callable[[], str] = os_user
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Session:
    """One command's run."""

    def __init__(self, surroundings: Surroundings, given: Everywhere) -> None:
        self.surroundings = surroundings
        self.given = given
        self.output: Output = open_output(given.output)

    @cached_property
    def settings(self) -> Settings:
        """The settings in force. Raise `invalid_setting`."""
        from oms_core import Settings

        return self.load(Settings)

    def load(self, group: type[Group], **flags: object) -> Group:
        """Load a group of settings, with flags of any group over the environment and oms.toml (None: not given)."""
        from oms_core.settings.sources import load_settings

        return load_settings(
            group,
            self.surroundings.environment,
            file=config_file(self.given.config, self.surroundings.folder),
            flags={"database_url": self.given.database_url, **flags},
        )

    @cached_property
    def caller(self) -> Caller:
        """The party that acts here: whoever can reach the database may do everything."""
        from oms_core import ALL_SCOPES, Caller

        actor = self.given.actor
        return Caller(name=self._local_name() if actor is None else actor, scopes=ALL_SCOPES)

    def _local_name(self) -> str:
        """Return who acts where nobody is named: who calls the service without a key, or else the OS user.

        Where keys are in force nobody calls without one, and the ledger is to say which administrator acted.
        """
        settings = self.settings
        is_shared = settings.local_caller or settings.auth_in_force == "off"
        return settings.local_caller_in_force if is_shared else self.surroundings.os_user()

    @contextmanager
    def oms(self, *, create: bool = False) -> Iterator[Oms]:
        """Open the system for the length of a command. Orders come one at a time, so there is no group to commit."""
        from oms_core import Settings

        with self.surroundings.open_oms(self.load(Settings, group_commit=False), create) as oms:
            yield oms


class Invocation:
    """One run of the program: its surroundings, and the options given so far, left to right."""

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        self.surroundings = surroundings or Surroundings()
        self.given = Everywhere()

    def session(self) -> Session:
        """Begin the command's work with all options read."""
        return Session(self.surroundings, self.given)


def parameters(*, without: frozenset[str]) -> list[inspect.Parameter]:
    """Return the options as parameters of a function, for Typer to read."""
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in EVERYWHERE.items()
        if name not in without
    ]


def config_file(given: Path | None, folder: Path) -> Path | None:
    """Return the settings file: the one given, which must exist, or ./oms.toml if that exists."""
    if given is not None:
        if not given.is_file():
            raise OmsError("invalid_setting", f"--config: there is no file {given.absolute()}")
        return given
    default = folder / _DEFAULT_FILE
    return default if default.is_file() else None
