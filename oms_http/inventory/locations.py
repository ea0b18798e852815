"""The routes of locations: which there are, and whether stock is sold and shipped from there."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from pydantic import ConfigDict, Field, JsonValue

from oms_core.documents.locations import show_location
from oms_core.domain import limits
from oms_core.domain.commands import UNSET
from oms_core.domain.stock.locations import LocationKind, SetLocation
from oms_core.domain.validation import Findings
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WRITING, Answer, Operation
from oms_http.requests import Request, read_model
from oms_http.responses import NO_STORE, json_response
from oms_http.schemas.fields import PROSE_PATTERN, GivenTime, Time
from oms_http.schemas.models import Input, Output, one_of, prose
from oms_http.schemas.times import read_time

_EXAMPLE: dict[str, JsonValue] = {
    "name": "yard",
    "kind": "quarantine",
    "sells": False,
    "ships": False,
    "expected_at": None,
    "note": "behind the hall",
    "updated_at": "2026-11-22T21:00:00.000000Z",
}
_KINDS = [kind.value for kind in LocationKind]


class LocationRequest(Input):
    """What to set of a location; only what is given changes, and null clears a time or a note.

    One of another kind than stock neither sells nor ships.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "quarantine", "note": "behind the hall"}]})

    kind: Annotated[str | None, Field(json_schema_extra={"enum": [*_KINDS, None]}), one_of(_KINDS, "unknown_kind")] = (
        None
    )
    sells: bool | None = None
    ships: bool | None = None
    expected_at: Annotated[GivenTime | None, Field(description="When what is there is to arrive.")] = None
    note: Annotated[
        str | None,
        Field(max_length=limits.REASON_LENGTH_MAX, json_schema_extra={"pattern": PROSE_PATTERN}),
        prose(limits.REASON_LENGTH_MAX),
    ] = None


class StockLocation(Output):
    """A place that holds stock: what it has is available if it sells, and leaves if it ships."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: str
    kind: LocationKind
    sells: bool
    ships: bool
    expected_at: Time | None
    note: str | None
    updated_at: Time


class LocationList(Output):
    """All locations, by name."""

    items: list[StockLocation]


_LOCATION = Answer(status=200, description="The location.", schema=StockLocation, headers=(headers.NO_STORE,))


@Operation(
    id="listLocations",
    method="GET",
    path="/v1/locations",
    tag="inventory",
    summary="List locations by name",
    use_cases=("locations.list",),
    answers=(Answer(status=200, description="All of them.", schema=LocationList, headers=(headers.NO_STORE,)),),
    errors=GUARDED,
)
def list_locations(service: Service, request: Request) -> Response:
    """List locations by name."""
    items = [show_location(location) for location in service.oms.locations.list(caller=request.caller)]
    return json_response({"items": items}, headers=[NO_STORE])


@Operation(
    id="getLocation",
    method="GET",
    path="/v1/locations/{location}",
    tag="inventory",
    summary="Get a location",
    use_cases=("locations.get",),
    answers=(_LOCATION,),
    errors=(*GUARDED, "location_not_found"),
)
def get_location(service: Service, request: Request, name: str) -> Response:
    """Return one location."""
    return json_response(show_location(service.oms.locations.get(name, caller=request.caller)), headers=[NO_STORE])


@Operation(
    id="setLocation",
    method="PUT",
    path="/v1/locations/{location}",
    tag="inventory",
    summary="Make a location known, or set what is given of it",
    description="What is available of each product follows, some 1,000 products in a transaction. The same request "
    "goes on where one was interrupted.",
    use_cases=("locations.set",),
    body=LocationRequest,
    takes_long=True,
    answers=(_LOCATION,),
    errors=WRITING,
)
def set_location(service: Service, request: Request, name: str) -> Response:
    """Set what is given of a location."""
    with request.findings.noting():
        request.findings.location("/location", name)
    asked = read_model(LocationRequest, request)
    given = asked.model_fields_set
    expected_at = None if asked.expected_at is None else read_time(Findings(), "/expected_at", asked.expected_at)
    command = SetLocation(
        name=name,
        kind=None if asked.kind is None else LocationKind(asked.kind.lower()),
        sells=asked.sells,
        ships=asked.ships,
        expected_at=expected_at if "expected_at" in given else UNSET,
        note=(asked.note or None) if "note" in given else UNSET,
    )
    return json_response(show_location(service.oms.locations.set(command, caller=request.caller)), headers=[NO_STORE])
