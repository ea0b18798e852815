"""What a command works with: its settings, its caller, its output, and the system itself."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from oms_cli.commands.options import Everywhere
from oms_cli.commands.shown_settings import config_file
from oms_cli.terminal.output import Output, open_output
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.oms import Oms
from oms_core.settings import Settings


def open_oms(settings: Settings, create: bool) -> Oms:
    """Open the system; `create` allows making a missing database file."""
    return Oms.open(settings, create=create)


def os_user() -> str:
    """Name the user of the operating system, as the actor of what is done here."""
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
        """The settings in force. Raises `invalid_setting`."""
        return self.settings_with()

    def settings_with(self, **flags: object) -> Settings:
        """Return the settings with further flags over them (None: not given)."""
        return Settings.load(
            self.surroundings.environment,
            file=config_file(self.given.config, self.surroundings.folder),
            database_url=self.given.database_url,
            **flags,
        )

    @cached_property
    def caller(self) -> Caller:
        """The party that acts here: whoever can reach the database may do everything."""
        actor = self.given.actor
        return Caller(name=self.surroundings.os_user() if actor is None else actor, scopes=ALL_SCOPES)

    @contextmanager
    def oms(self, *, create: bool = False) -> Iterator[Oms]:
        """Open the system for the length of a command; orders come one at a time, so there is no group to commit."""
        settings = replace(self.settings, group_commit=False)
        with self.surroundings.open_oms(settings, create) as oms:
            yield oms
