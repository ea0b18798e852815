"""One request: its id, caller, body and headers, each read strictly."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any, TypeVar, cast
from uuid import UUID

import flask
from pydantic import ValidationError
from werkzeug.datastructures import ETags
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import unquote_header_value

from oms_core import Charge
from oms_core.documents.json_text import parse_json
from oms_core.domain.callers import Caller
from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.limits import COUNT_MAX, IDEMPOTENCY_KEY_LENGTH_MAX
from oms_core.domain.numbers import parse_digits
from oms_core.domain.preconditions import ANY, NO_VERSION, NOTHING_ASKED, Precondition
from oms_core.domain.rate_limits import Allowance
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError
from oms_http.edge.telemetry import request_id
from oms_http.schemas.models import Input, findings_of

JSON_TYPE = "application/json"
# What nearly every key is: neither quoted, nor anything that a finding could be about.
_PLAIN_KEY = re.compile(rf"[!#-~]{{1,{IDEMPOTENCY_KEY_LENGTH_MAX}}}").fullmatch
_VERSION = re.compile(r"[1-9][0-9]{0,12}")  # As `str` writes it.

Model = TypeVar("Model", bound=Input)


class Request(flask.Request):
    """One request. `caller` and `parameters` (the query, read and checked) are set before a route under /v1 runs.

    `allowance` is what a rate limit leaves the caller, once it was charged; `charge` what it has paid for placing.
    `findings` are what is wrong with the query, the path and the headers: they are told with what is wrong in the body.
    """

    caller: Caller
    parameters: Mapping[str, Any] = MappingProxyType({})
    allowance: Allowance | None = None
    charge: Charge | None = None

    def __init__(self, environ: dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:
        super().__init__(environ, populate_request, shallow)
        self.started = time.perf_counter()
        self.findings = Findings()
        # A server that refuses requests itself has given this one its id already.
        self.request_id: str = environ.get("oms.request_id") or request_id(environ.get("HTTP_X_REQUEST_ID"))

    def charged(self, allowance: Allowance) -> None:
        """Keep what a charge has left, for the answer to tell."""
        self.allowance = allowance

    def close(self) -> None:
        """Let go of the charge, which knows this request: the two would wait for the garbage collector."""
        self.charge = None
        if "files" in self.__dict__:  # Only a form has any, and only a program that embeds this reads forms.
            super().close()


def current_request() -> Request:
    """Return the request that is being answered, in place of the proxy for it."""
    return cast(Request, flask.request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001


def read_json(request: Request) -> object:
    """Read the body as one JSON document.

    Raises `unsupported_media_type`, `payload_too_large` (as werkzeug's RequestEntityTooLarge) or `malformed_json`.
    """
    check_media_type(request, JSON_TYPE)
    return parse_json(_body(request))


def _body(request: Request) -> bytes:
    """Return the body, as `get_data` does. What the server has received whole is read without a stream around it.

    Raise RequestEntityTooLarge. The stream costs an order more time than reading its JSON does.
    """
    received = request.environ["wsgi.input"]
    if type(received) is not BytesIO or "wsgi.input_terminated" not in request.environ:
        return request.get_data(cache=False)
    body: bytes = received.read()
    longest = request.max_content_length
    if longest is not None and len(body) > longest:
        raise RequestEntityTooLarge
    return body


def read_model(model: type[Model], request: Request) -> Model:
    """Read the body as a pydantic model.

    Raises `validation_error`, with the findings of the request too, besides what `read_json` does.
    """
    document = read_json(request)
    asked = None
    with request.findings.noting():
        asked = _validated(model, document)
    request.findings.raise_if_any()
    assert asked is not None  # noqa: S101  An error of pydantic that names no value would be a defect.
    return asked


def _validated(model: type[Model], document: object) -> Model | None:
    asked, findings = None, Findings()
    try:
        asked = model.model_validate(document)
    except ValidationError as error:
        findings = findings_of(error)
    if isinstance(document, Mapping):
        model.check_together(findings, document)
    findings.raise_if_any()
    return asked


def check_media_type(request: Request, wanted: str) -> None:
    """Raise `unsupported_media_type` unless the body is of the wanted type, in UTF-8 and not compressed."""
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise OmsError("unsupported_media_type", "send the body without Content-Encoding")
    if request.environ.get("CONTENT_TYPE") == wanted:
        return
    charset = request.mimetype_params.get("charset", "utf-8")
    if request.mimetype != wanted or charset.lower() not in {"utf-8", "utf8"}:
        raise OmsError("unsupported_media_type", f"send the body as Content-Type: {wanted} in UTF-8")


def read_idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key header, bare or as a quoted string (RFC 9651). Raises `validation_error`."""
    header: str | None = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if header is None:
        return None
    if _PLAIN_KEY(header):
        return header
    key = unquote_header_value(header)
    findings = Findings()
    if not key.isascii():
        findings.add("/idempotency_key", "bad_character", "must be ASCII")
    findings.identifier("/idempotency_key", key, longest=IDEMPOTENCY_KEY_LENGTH_MAX)
    findings.raise_if_any()
    return key


def note_idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key header as `read_idempotency_key` does, or note what is wrong with it."""
    with request.findings.noting():
        return read_idempotency_key(request)
    return None


def note_unexpected_idempotency_key(request: Request, advice: str) -> None:
    """Note an idempotency key that would promise what the route does not keep."""
    if "HTTP_IDEMPOTENCY_KEY" in request.environ:
        request.findings.add("/idempotency_key", "unexpected", advice)


def note_version_wanted(request: Request) -> int | None:
    """Return the version that If-Match names (RFC 9110, strong comparison); None where any will do.

    Return NO_VERSION where none of the tags can be an order's: the request is then refused once the order was found,
    and an order that is not there is refused as that. Several tags that could match are noted as wrong.
    """
    if "HTTP_IF_MATCH" not in request.environ or request.if_match.star_tag:
        return None
    versions = [parse_digits(tag) for tag in request.if_match.as_set() if _is_version(tag)]
    if len(versions) > 1:
        request.findings.add("/if_match", "too_many", "must name one version")
    return versions[0] if versions else NO_VERSION


def read_precondition(request: Request) -> Precondition:
    """Read If-Match (strong comparison) and If-None-Match (weak comparison) of a request that changes something."""
    one_of, none_of = request.environ.get("HTTP_IF_MATCH"), request.environ.get("HTTP_IF_NONE_MATCH")
    if one_of is None and none_of is None:
        return NOTHING_ASKED
    return Precondition(
        one_of=None if one_of is None else _tags(request.if_match, include_weak=False),
        none_of=None if none_of is None else _tags(request.if_none_match, include_weak=True),
    )


def matches(request: Request, etag: str) -> bool:
    """Return whether If-None-Match names this entity tag, so that 304 says it all (RFC 9110, weak comparison)."""
    return "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains_weak(etag)


def read_order_id(text: str) -> UUID:
    """Read an order id from a path. Raises `order_not_found` for text that is no id, because no order has it."""
    try:
        return parse_uuid(text)
    except ValueError as error:
        raise OmsError("order_not_found", f"no order has the id {text[:64]!a}") from error


def note_path_sku(request: Request, sku: str) -> None:
    """Note what keeps a text in a path from being a SKU."""
    with request.findings.noting():
        request.findings.sku("/sku", check_path_sku(sku))


def check_path_sku(sku: str) -> str:
    """Return a SKU from a path; raises `validation_error` where U+FFFD stands in it for bytes that are no UTF-8.

    Servers put it there before anybody can see the bytes, so a SKU that really has it cannot be named in a path.
    """
    if "\ufffd" in sku:
        raise one_finding("/sku", "bad_character", "must be percent-encoded UTF-8, without U+FFFD")
    return sku


def _tags(tags: ETags, *, include_weak: bool) -> frozenset[str]:
    if tags.star_tag:
        return frozenset({ANY})
    return frozenset(tag or "" for tag in tags.as_set(include_weak)) - {ANY}  # "*" in quotes is a tag like another.


def _is_version(tag: str | None) -> bool:
    if tag is None:  # So werkzeug reads the empty tag, "".
        return False
    return _VERSION.fullmatch(tag) is not None and parse_digits(tag) <= COUNT_MAX
