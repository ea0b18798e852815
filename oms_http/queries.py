"""Query parameters: each named once, with how it is read and how /openapi.json describes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from oms_core.domain import limits
from oms_core.domain.numbers import parse_digits
from oms_core.domain.pages import Page
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError
from oms_http.requests import Request
from oms_http.schemas.models import pointer_to

TARGET_BYTES_MAX = 8 * 1024
_PARAMETERS_MAX = 32
_SWITCHES = MappingProxyType({"true": True, "false": False})

ReadText = Callable[[Findings, str, str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryParameter:
    """One parameter. `read` gets findings, pointer and text. It returns the value, or notes what is wrong with it.

    The value of one that `may_repeat` is a set. Given more than once, its value is the union of the sets.
    """

    name: str
    description: str
    schema: Mapping[str, object]
    read: ReadText
    may_repeat: bool = False


def read_query(request: Request, known: Sequence[QueryParameter]) -> dict[str, Any]:
    """Read a query that is there: the values given, by name.

    Raises `validation_error`, also for what is unknown, or repeated where one value is wanted, and `uri_too_long`.
    """
    if len(request.query_string) > TARGET_BYTES_MAX:
        raise OmsError("uri_too_long", f"the query has more than {TARGET_BYTES_MAX} bytes")
    parameters = {parameter.name: parameter for parameter in known}
    findings = Findings()
    values: dict[str, Any] = {}
    for name, text in _pairs(request):
        pointer = pointer_to(name)
        parameter = parameters.get(name)
        if parameter is None:
            findings.add(pointer, "unknown_parameter", "is not a parameter of this route")
        elif name not in values:
            values[name] = parameter.read(findings, pointer, text)
        elif parameter.may_repeat:
            values[name] |= parameter.read(findings, pointer, text)
        else:
            findings.add(pointer, "repeated", "is given more than once")
    findings.raise_if_any()
    return values


def next_link(request: Request, page: Page[Any]) -> list[tuple[str, str]]:
    """Return the Link header to the next page (RFC 8288), which keeps the other parameters; none on the last page."""
    if page.next is None:
        return []
    kept = [(name, text) for name, text in _pairs(request) if name != "cursor"]
    return [("Link", f'<{quote(request.path)}?{urlencode([*kept, ("cursor", page.next)])}>; rel="next"')]


def list_headers(request: Request, page: Page[Any]) -> list[tuple[str, str]]:
    """Return the headers of a page that may be read from a replica: the link to the next one, and how old it may be."""
    link, lag = next_link(request, page), page.replica_lag_seconds
    return link if lag is None else [*link, ("OMS-Replica-Lag", f"{math.ceil(lag * 1_000) / 1_000:.3f}")]


def _pairs(request: Request) -> list[tuple[str, str]]:
    """Split the query as werkzeug does, but refuse what is not UTF-8 instead of passing it on encoded."""
    try:
        return parse_qsl(
            request.query_string.decode(), keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS_MAX
        )
    except UnicodeDecodeError as error:
        raise one_finding("", "bad_character", "the query must be percent-encoded UTF-8") from error
    except ValueError as error:
        raise one_finding("", "too_many", f"the query must have at most {_PARAMETERS_MAX} parameters") from error


def identifier(longest: int) -> ReadText:
    """Return how a parameter that names something is read."""

    def read(findings: Findings, pointer: str, text: str) -> str:
        findings.identifier(pointer, text, longest=longest)
        return text

    return read


def read_switch(findings: Findings, pointer: str, text: str) -> bool | None:
    """Read `true` or `false`, noting what is neither."""
    if text not in _SWITCHES:
        findings.add(pointer, "wrong_type", "must be true or false")
    return _SWITCHES.get(text)


def _read_limit(findings: Findings, pointer: str, text: str) -> int | None:
    try:
        limit = parse_digits(text)
    except ValueError as error:
        findings.add(pointer, "wrong_type", str(error))
        return None
    findings.whole_number(pointer, limit, lowest=1, highest=limits.PAGE_ITEMS_MAX)
    return limit


def _read_text(_findings: Findings, _pointer: str, text: str) -> str:
    return text  # The core checks it: the cursor of each list.


LIMIT = QueryParameter(
    name="limit",
    description="How many items to give at most.",
    schema={"type": "integer", "minimum": 1, "maximum": limits.PAGE_ITEMS_MAX, "default": limits.PAGE_ITEMS_DEFAULT},
    read=_read_limit,
)
CURSOR = QueryParameter(
    name="cursor",
    description="`next` of the page before; with it the list continues there.",
    schema={"type": "string", "minLength": 1, "maxLength": 512},
    read=_read_text,
)
PAGE_PARAMETERS = (LIMIT, CURSOR)
