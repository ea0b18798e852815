"""The program `oms`: its commands, put together; each is loaded when it is run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Annotated

import typer

from oms_cli.commands.command import OmsGroup, Part
from oms_cli.commands.session import ActorOption, ConfigOption, DatabaseOption, Everywhere, Invocation, OutputOption
from oms_cli.terminal.messages import hide_secrets_in_tracebacks


def _command(module: str, summary: str) -> Part:
    """Return a command of its own, which its module registers."""
    return Part(summary=summary, add_to=lambda app: import_module(f"oms_cli.commands.{module}").register(app))


def _group(module: str, summary: str, *others: str) -> Part:
    """Return a group, which is the `app` of its module; other modules register further commands with it."""

    @cache
    def group() -> typer.Typer:
        own: typer.Typer = import_module(f"oms_cli.commands.{module}").app
        for other in others:
            import_module(f"oms_cli.commands.{other}").register(own)
        return own

    return Part(summary=summary, add_to=lambda app: app.add_typer(group()))


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "serve": _command("serve", "Serve the REST API until Ctrl-C or SIGTERM, which let requests in flight finish."),
        "worker": _command(
            "worker", "Place queued orders until Ctrl-C or SIGTERM, which let the batch in hand finish."
        ),
        "audit": _command(
            "audit", "Prove that every count is the sum of its ledger and of the open orders; changes nothing."
        ),
        "db": _group("database", "The database's schema."),
        "inventory": _group(
            "inventory", "Stock: counts, receipts, corrections, the ledger.", "inventory_import", "inventory_export"
        ),
        "locations": _group("locations", "Places that hold stock: which sell, and which ship."),
        "orders": _group(
            "orders",
            "Orders: place, hold, find, change, ship, return, move, cancel, retry, archive.",
            *("order_list", "order_place", "order_import", "order_export"),
            *("order_holds", "order_change", "order_ship", "order_return", "order_retry", "order_archive"),
        ),
        "shipments": _group("order_shipments", "Shipments of an order: list, follow, take back."),
        "returns": _group("order_returns", "Returns of an order: what came back, and what became of it."),
        "queue": _group("queue", "The queue of accepted orders, and dead letters."),
        "keys": _group("api_keys", "API keys: who may call, and what they may do."),
        "config": _group("config", "The settings."),
    }
)


class Program(OmsGroup):
    """`oms`."""

    parts = PARTS


app = typer.Typer(
    name="oms",
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    """Print the version, for --version."""
    if wanted:
        from oms_core.bootstrap import installed_version

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


def main() -> None:
    """Run the command line."""
    hide_secrets_in_tracebacks()
    app()
