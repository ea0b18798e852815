"""`oms config`: the settings, and where each comes from, without their secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from oms_cli.commands.command import command, command_group
from oms_cli.commands.session import Session, config_file
from oms_cli.terminal.masking import mask_url
from oms_cli.terminal.view import Column, View
from oms_core.settings.checks import SettingGroup, variable
from oms_core.settings.sources import SECRETS, installed_groups, read_toml

app = command_group("config", "The settings.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingShown:
    """One setting as it is in force: its value without secrets, and where that was found."""

    name: str
    value: str | int | bool
    source: str

    @property
    def text(self) -> str:
        """The value as it stands in the environment or in oms.toml."""
        return {True: "on", False: "off"}[self.value] if isinstance(self.value, bool) else str(self.value)


_SETTINGS: View[SettingShown] = View(
    columns=(
        Column(name="setting", value=lambda shown: shown.name, whole=True),
        Column(name="value", value=lambda shown: shown.text),
        Column(name="source", value=lambda shown: shown.source),
    ),
    document=lambda shown: {"setting": shown.name, "value": shown.value, "source": shown.source},
)


@command(app, "show", without=frozenset({"actor"}))
def show(session: Session) -> None:
    """Show every setting in force and where it comes from: flag, environment, file or default. Secrets are masked."""
    shown = show_settings(
        [session.load(group) for group in installed_groups()],
        environment=session.surroundings.environment,
        file=config_file(session.given.config, session.surroundings.folder),
        flags={"database_url": session.given.database_url},
    )
    session.output.list(_SETTINGS, shown)


def show_settings(
    groups: Sequence[SettingGroup],
    *,
    environment: Mapping[str, str],
    file: Path | None,
    flags: Mapping[str, str | None],
) -> list[SettingShown]:
    """List every setting with its source; `flags` maps setting names to what was given on the command line."""
    in_file = read_toml(file)
    shown = []
    for name, value in ((entry.name, getattr(group, entry.name)) for group in groups for entry in fields(group)):
        if flags.get(name) is not None:
            source = "flag --" + name.replace("_", "-")
        elif environment.get(variable(name)):
            source = f"environment {variable(name)}"
        elif name in SECRETS and environment.get(f"{variable(name)}_FILE"):
            source = f"environment {variable(name)}_FILE"
        elif name in in_file:
            source = f"file {file}"
        else:
            source = "default"
        shown.append(SettingShown(name=name, value=_show(name, value), source=source))
    return shown


def _show(name: str, value: object) -> str | int | bool:
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, str):
        return mask_url(value) if name in SECRETS else value
    assert isinstance(value, bool | int)  # noqa: S101  Settings has no other types.
    return value
