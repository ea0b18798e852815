"""`oms config`: the settings."""

from __future__ import annotations

from oms_cli.commands.command import command, command_group
from oms_cli.commands.session import Session
from oms_cli.commands.shown_settings import SettingShown, config_file, show_settings
from oms_cli.terminal.view import Column, View

app = command_group("config", "The settings.")

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
        session.settings,
        environment=session.surroundings.environment,
        file=config_file(session.given.config, session.surroundings.folder),
        flags={"database_url": session.given.database_url},
    )
    session.output.list(_SETTINGS, shown)
