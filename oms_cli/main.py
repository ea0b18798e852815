"""The program `oms`: its commands, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from oms_cli.commands import (
    api_keys,
    audit,
    config,
    database,
    inventory,
    inventory_export,
    inventory_import,
    order_import,
    order_list,
    order_place,
    order_retry,
    orders,
    queue,
    serve,
    worker,
)
from oms_cli.commands.command import OmsGroup
from oms_cli.commands.session import ActorOption, ConfigOption, DatabaseOption, Everywhere, Invocation, OutputOption
from oms_cli.terminal.messages import hide_secrets_in_tracebacks
from oms_core.bootstrap import installed_version

app = typer.Typer(
    name="oms",
    cls=OmsGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    """Print the version, for --version."""
    if wanted:
        typer.echo(f"oms {installed_version()}")
        raise typer.Exit


@app.callback()
def begin(
    ctx: typer.Context,
    *,
    show: Annotated[  # noqa: ARG001  Its callback has done it.
        bool, typer.Option("--version", is_eager=True, callback=show_version, help="Print the version and exit.")
    ] = False,
    output: OutputOption = None,
    database_url: DatabaseOption = None,
    config: ConfigOption = None,
    actor: ActorOption = None,
) -> None:
    """Take orders, keep stock, never oversell."""
    invocation: Invocation = ctx.obj
    invocation.given = Everywhere(output=output, database_url=database_url, config=config, actor=actor)


serve.register(app)
worker.register(app)
app.add_typer(database.app)
inventory_import.register(inventory.app)
inventory_export.register(inventory.app)
app.add_typer(inventory.app)
order_list.register(orders.app)
order_place.register(orders.app)
order_import.register(orders.app)
order_retry.register(orders.app)
app.add_typer(orders.app)
app.add_typer(queue.app)
app.add_typer(api_keys.app)
audit.register(app)
app.add_typer(config.app)


def main() -> None:
    """Run the command line."""
    hide_secrets_in_tracebacks()
    app()
