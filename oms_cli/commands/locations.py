"""`oms locations`: places that hold stock, and whether it is sold and shipped from there."""

from __future__ import annotations

from typing import Annotated

import typer

from oms_cli.commands.command import command, command_group
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import read_time
from oms_cli.terminal.view import Column, View
from oms_core.documents.locations import show_location
from oms_core.domain.commands import UNSET
from oms_core.domain.stock.locations import Location, LocationKind, SetLocation

app = command_group("locations", "Places that hold stock: which sell, and which ship.")

_LOCATIONS: View[Location] = View(
    columns=(
        Column(name="name", value=lambda location: location.name, whole=True),
        Column(name="kind", value=lambda location: location.kind.value, whole=True),
        Column(name="sells", value=lambda location: _word(location.sells)),
        Column(name="ships", value=lambda location: _word(location.ships)),
        Column(name="expected_at", value=lambda location: location.expected_at, whole=True, spare=True),
        Column(name="note", value=lambda location: location.note, prose=True, spare=True),
        Column(name="updated_at", value=lambda location: location.updated_at, in_table=False),
    ),
    document=show_location,
    nothing="no locations",
)


@command(app, "list")
def list_locations(session: Session) -> None:
    """List locations by name."""
    with session.oms() as oms:
        found = oms.locations.list(caller=session.caller)
    session.output.list(_LOCATIONS, found)


@command(app, "set")
def set_location(
    session: Session,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The location; case-sensitive.")],
    kind: Annotated[
        LocationKind | None,
        typer.Option("--kind", case_sensitive=False, help="What it is for: only stock sells and ships."),
    ] = None,
    sells: Annotated[
        bool | None, typer.Option("--sells/--no-sells", help="Whether what it has is sold.", show_default=False)
    ] = None,
    ships: Annotated[
        bool | None, typer.Option("--ships/--no-ships", help="Whether orders are shipped from it.", show_default=False)
    ] = None,
    expected: Annotated[
        str | None, typer.Option("--expected", metavar="TIME|none", help="When what it has is to arrive.")
    ] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="N|none", help="For people.")] = None,
) -> None:
    """Make a location known, or set what is given of it; what is available of each product follows."""
    wanted = SetLocation(
        name=name,
        kind=kind,
        sells=sells,
        ships=ships,
        expected_at=UNSET if expected is None else None if expected.lower() == "none" else read_time(expected),
        note=UNSET if note is None else None if note.lower() == "none" else note,
    )
    with session.oms() as oms:
        location = oms.locations.set(wanted, caller=session.caller)
    does = [word for word, is_so in (("sells", location.sells), ("ships", location.ships)) if is_so]
    session.output.sentence(f"{location.name}: {location.kind}, {' and '.join(does) or 'neither sells nor ships'}")
    if not session.output.is_table:
        session.output.record(_LOCATIONS, location)


def _word(value: bool) -> str:
    return "true" if value else "false"
