"""`oms keys`: who may call the service, and what they may do."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import typer

from oms_cli.commands.command import command, command_group
from oms_cli.commands.paging import AllOption, LimitOption, Pages, say_more
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import complete_scopes, read_duration, read_scopes, read_time
from oms_cli.terminal.files import confirm
from oms_cli.terminal.messages import counted, say
from oms_cli.terminal.streams import require_output
from oms_cli.terminal.view import show_seconds
from oms_cli.views.api_keys import api_keys_view, issued_view
from oms_core.domain.api_keys import ApiKeyState, CreateApiKey, IssuedApiKey, RotateApiKey
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT

app = command_group("keys", "API keys: who may call, and what they may do.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Who holds the API key.")]
ExpiresOption = Annotated[
    str | None,
    typer.Option("--expires", metavar="TIME|AGE", help="When it ends: a time, or from now 30m, 12h or 90d."),
]


@command(app, "create")
def create(
    session: Session,
    *,
    name: NameArgument,
    scopes: Annotated[
        list[str],
        typer.Option("--scope", metavar="S[,S...]", help="What it may do; repeatable.", autocompletion=complete_scopes),
    ],
    customer: Annotated[
        str | None, typer.Option("--customer", metavar="C", help="Binds it to one customer's orders.")
    ] = None,
    expires: ExpiresOption = None,
) -> None:
    """Make the first API key of a name, and print it: it is shown this once. Makes a missing SQLite file."""
    command = CreateApiKey(
        name=name, scopes=read_scopes(scopes), customer_id=customer, expires_at=_expiry(session, expires)
    )
    require_output()
    with session.oms(create=True) as oms:
        issued = oms.api_keys.create(command, caller=session.caller)
    _print_issued(session, issued)


@command(app, "list")
def list_api_keys(session: Session, limit: LimitOption = PAGE_ITEMS_DEFAULT, everything: AllOption = False) -> None:
    """List API keys by name, the oldest of a name first."""
    with session.oms() as oms:
        api_keys = Pages(partial(oms.api_keys.list, caller=session.caller), limit=None if everything else limit)
        shown = session.output.list(api_keys_view(session.surroundings.now()), api_keys)
    say_more(api_keys, shown)


@command(app, "show")
def show(session: Session, name: NameArgument) -> None:
    """Show the API keys of a name, newest first."""
    with session.oms() as oms:
        api_keys = oms.api_keys.get(name, caller=session.caller)
    session.output.list(api_keys_view(session.surroundings.now()), api_keys)


@command(app, "rotate")
def rotate(
    session: Session,
    *,
    name: NameArgument,
    overlap: Annotated[
        str,
        typer.Option("--overlap", metavar="AGE", help="For how long the former API keys still work; 0: not at all."),
    ] = "24h",
    expires: ExpiresOption = None,
) -> None:
    """Make a further API key of a name, and print it; the former ones end after the overlap.

    Without --expires it lives as long as the one before was made for.
    """
    seconds = 0 if overlap == "0" else int(read_duration(overlap).total_seconds())
    command = RotateApiKey(name=name, overlap_seconds=seconds, expires_at=_expiry(session, expires))
    require_output()
    with session.oms() as oms:
        former = oms.api_keys.get(name, caller=session.caller)
        issued = oms.api_keys.rotate(command, caller=session.caller)
    _print_issued(session, issued)
    if any(api_key.state(session.surroundings.now()) is ApiKeyState.ACTIVE for api_key in former):
        end = "have ended" if seconds == 0 else f"end within {overlap}"
        say(f"the former API keys of {name} {end}")


@command(app, "revoke")
def revoke(
    session: Session,
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Revoke without asking.")] = False,
) -> None:
    """End every API key of a name at once: the service refuses them within five seconds."""
    if not yes:
        confirm(f"Revoke every API key of {name}?")
    with session.oms() as oms:
        api_keys = oms.api_keys.revoke(name, caller=session.caller)
    session.output.sentence(f"revoked {counted(len(api_keys), 'API key')} of {name}")
    if not session.output.is_table:
        session.output.list(api_keys_view(session.surroundings.now()), api_keys)


def _expiry(session: Session, text: str | None) -> datetime | None:
    """Read a time, or how long from now."""
    if text is None:
        return None
    try:
        lifetime: timedelta = read_duration(text)
    except typer.BadParameter:
        return read_time(text)
    return session.surroundings.now() + lifetime


def _print_issued(session: Session, issued: IssuedApiKey) -> None:
    """Print the API key alone on stdout, so that a script can take it, and what to know of it on stderr."""
    api_key = issued.key
    named = f"API key {api_key.number} of {api_key.name}"
    try:
        session.output.sentence(issued.token)
        if not session.output.is_table:
            session.output.record(issued_view(session.surroundings.now()), issued)
        session.output.flush()
    except OSError:
        say(f"{named} was made, and nobody has seen it: rotate makes another, revoke ends it")
        raise
    bound = "" if api_key.customer_id is None else f", orders of {api_key.customer_id} only"
    end = "does not expire" if api_key.expires_at is None else f"expires {show_seconds(api_key.expires_at)} UTC"
    say(f"{named}: {', '.join(sorted(api_key.scopes))}{bound}; {end}")
    say("keep it safe: it is not stored, and not shown again")
