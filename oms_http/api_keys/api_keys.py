"""The routes of API keys."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Response

from oms_core.documents.api_keys import show_issued, show_key
from oms_core.domain.api_keys import ApiKey, CreateApiKey, IssuedApiKey, RotateApiKey, check_key_name
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.validation import Findings
from oms_http.api_keys.api_key_schemas import SCOPES, IssuedKey, KeyPage, KeyRequest, NamedKeys, RotationRequest
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WRITING, Answer, Operation
from oms_http.queries import PAGE_PARAMETERS, next_link
from oms_http.requests import Request, note_unexpected_idempotency_key, read_model
from oms_http.responses import NO_STORE, json_response
from oms_http.schemas.times import read_time

_ISSUED = Answer(
    status=201,
    description="The key, shown this once.",
    schema=IssuedKey,
    headers=(headers.LOCATION, headers.NO_STORE),
    creates="name",
)
_NAMED = Answer(status=200, description="Its keys.", schema=NamedKeys, headers=(headers.NO_STORE,))
_NO_IDEMPOTENCY = "is not used here: the key is not kept, so it could not be shown again"

_log = logging.getLogger(__name__)


@Operation(
    id="createKey",
    method="POST",
    path="/v1/keys",
    tag="keys",
    summary="Make the first key of a name",
    description="A name is given once. An Idempotency-Key is refused, as the key is not kept: where the answer was "
    "lost, rotate.",
    use_cases=("api_keys.create",),
    body=KeyRequest,
    answers=(_ISSUED,),
    errors=(*WRITING, "key_name_taken"),
)
def create_api_key(service: Service, request: Request) -> Response:
    """Make the first key of a name."""
    note_unexpected_idempotency_key(request, _NO_IDEMPOTENCY)
    asked = read_model(KeyRequest, request)
    command = CreateApiKey(
        name=asked.name,
        scopes=frozenset(SCOPES[name] for name in asked.scopes),
        customer_id=asked.customer_id,
        expires_at=_expiry(asked.expires_at),
    )
    issued = service.oms.api_keys.create(command, caller=request.caller)
    _tell("created", issued.key, request)
    return _issued(issued, [("Location", f"/v1/keys/{issued.key.name}")])


@Operation(
    id="listKeys",
    method="GET",
    path="/v1/keys",
    tag="keys",
    summary="List keys by name",
    use_cases=("api_keys.list",),
    query=PAGE_PARAMETERS,
    answers=(Answer(status=200, description="A page.", schema=KeyPage, headers=(headers.NO_STORE, headers.LINK)),),
    errors=GUARDED,
)
def list_api_keys(service: Service, request: Request) -> Response:
    """List keys by name."""
    page = service.oms.api_keys.list(
        caller=request.caller,
        cursor=request.parameters.get("cursor"),
        limit=request.parameters.get("limit", PAGE_ITEMS_DEFAULT),
    )
    now = datetime.now(UTC)
    shown = {"items": [show_key(key, now) for key in page.items], "next": page.next}
    return json_response(shown, headers=[NO_STORE, *next_link(request, page)])


@Operation(
    id="getKey",
    method="GET",
    path="/v1/keys/{name}",
    tag="keys",
    summary="Get the keys of a name",
    use_cases=("api_keys.get",),
    answers=(_NAMED,),
    errors=(*GUARDED, "key_not_found"),
)
def get_api_key(service: Service, request: Request, name: str) -> Response:
    """Return the keys of a name."""
    return _named(service.oms.api_keys.get(name, caller=request.caller))


@Operation(
    id="rotateKey",
    method="POST",
    path="/v1/keys/{name}/rotate",
    tag="keys",
    summary="Make a further key of a name, and let the former ones end",
    description="The new key has the scopes and the customer of the one before. An Idempotency-Key is refused.",
    use_cases=("api_keys.rotate",),
    body=RotationRequest,
    answers=(_ISSUED,),
    errors=(*WRITING, "key_not_found"),
)
def rotate_api_key(service: Service, request: Request, name: str) -> Response:
    """Make a further key of a name."""
    note_unexpected_idempotency_key(request, _NO_IDEMPOTENCY)
    check_key_name(request.findings, name)
    asked = read_model(RotationRequest, request)
    command = RotateApiKey(name=name, overlap_seconds=asked.overlap_seconds, expires_at=_expiry(asked.expires_at))
    issued = service.oms.api_keys.rotate(command, caller=request.caller)
    _tell("rotated", issued.key, request)
    return _issued(issued, [("Location", f"/v1/keys/{name}")])


@Operation(
    id="revokeKey",
    method="DELETE",
    path="/v1/keys/{name}",
    tag="keys",
    summary="End every key of a name at once",
    description="Every process refuses them within five seconds. Again, it changes nothing.",
    use_cases=("api_keys.revoke",),
    answers=(_NAMED,),
    errors=(*GUARDED, "outcome_unknown", "key_not_found"),
)
def revoke_api_key(service: Service, request: Request, name: str) -> Response:
    """End every key of a name."""
    keys = service.oms.api_keys.revoke(name, caller=request.caller)
    _tell("revoked", keys[0], request)
    return _named(keys)


def _expiry(text: str | None) -> datetime | None:
    """Read what the schema has checked."""
    return None if text is None else read_time(Findings(), "/expires_at", text)


def _issued(issued: IssuedApiKey, headers: list[tuple[str, str]]) -> Response:
    return json_response(show_issued(issued, datetime.now(UTC)), status=201, headers=[NO_STORE, *headers])


def _named(keys: Sequence[ApiKey]) -> Response:
    now = datetime.now(UTC)
    return json_response({"items": [show_key(key, now) for key in keys]}, headers=[NO_STORE])


def _tell(done: str, key: ApiKey, request: Request) -> None:
    """Log the life of a key; who did what and when stands on its row too."""
    _log.info(
        "key %s number %d (%s) was %s by %a, request %s",
        key.name,
        key.number,
        key.id,
        done,
        request.caller.name,
        request.request_id,
    )
