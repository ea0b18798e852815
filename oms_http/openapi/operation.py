"""How an operation is described: the route that answers it, and everything that can be sent and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Response
from pydantic import BaseModel

from oms_core.domain.access import AccessRule, rules_of
from oms_core.domain.rate_limits import RateScope
from oms_http.edge.rate_limit_fields import POLICY_FIELD, STATE_FIELD
from oms_http.queries import QueryParameter

View = Callable[..., Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header of a request or an answer; an optional one of an answer says in its description when it is there."""

    name: str
    description: str
    schema: Mapping[str, object]
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that is no error. `schema` is a model for JSON, None for another text or no body at all.

    `page_type` is the media type of a page that says the same, which Accept asks for.
    """

    status: int
    description: str
    schema: type[BaseModel] | None = None
    media_type: str | None = "application/json"
    page_type: str | None = None
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBody:
    """A request's body that is no JSON, with an example."""

    media_type: str
    description: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `view` is called with the service, the request and the path's parameters in order.

    `errors` are the codes that it may answer; their HTTP statuses and shapes follow from them, and `error_headers` are
    headers that they may carry besides. Those under /v1 are `guarded`: the caller is known and charged, and the query
    is checked, before `view` runs; `use_cases` are the methods of Oms that `view` calls, whose rules of access are then
    the operation's. Where `places_orders`, the core charges, by the order. `heavy` ones are answered few at a time,
    however small. One that `offers_example` can be tried with the examples of its path, once those above it were.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    view: View
    answers: tuple[Answer, ...]
    errors: tuple[str, ...]
    description: str = ""
    query: tuple[QueryParameter, ...] = ()
    headers: tuple[Header, ...] = ()
    error_headers: tuple[Header, ...] = ()
    body: type[BaseModel] | TextBody | None = None
    places_orders: bool = False
    heavy: bool = False
    offers_example: bool = True
    use_cases: tuple[str, ...] = ()

    @property
    def access_rules(self) -> tuple[AccessRule, ...]:
        """What the use cases ask of the caller, each thing once; none where everybody is answered."""
        rules = [rule for use_case in self.use_cases for rule in rules_of(use_case)]
        return tuple({(rule.scopes, rule.binding, rule.when): rule for rule in rules}.values())

    @property
    def rate_scope(self) -> RateScope | None:
        """What a request is charged under, one unit each; None where it is not limited, or charged by the core."""
        if not self.guarded or self.places_orders:
            return None
        return RateScope(f"{self.tag}.{'read' if self.method == 'GET' else 'write'}")

    @property
    def is_limited(self) -> bool:
        """Whether a rate limit may refuse it."""
        return "rate_limited" in self.errors

    @property
    def guarded(self) -> bool:
        """Whether the caller and the query are checked first."""
        return self.path.startswith("/v1/")


ETAG = Header(
    name="ETag",
    description="What is shown, as an entity tag: it changes with it.",
    schema={"type": "string", "pattern": '^"[0-9-]+"$'},
)
CONTENT_ETAG = Header(
    name="ETag",
    description="What is shown, as an entity tag: it changes with it.",
    schema={"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
)
LOCATION = Header(
    name="Location",
    description="The path of what was created.",
    schema={"type": "string", "format": "uri-reference", "pattern": "^/v1/"},
)
LINK = Header(
    name="Link",
    description='`<...>; rel="next"` (RFC 8288): the next page, with the same parameters. Absent on the last page.',
    schema={"type": "string", "pattern": '^</v1/[^>]+>; rel="next"$'},
    required=False,
)
RETRY_LATER = Header(
    name="Retry-After",
    description="There while the order is queued: the seconds after which to ask again.",
    schema={"type": "integer", "minimum": 1, "maximum": 60},
    required=False,
)
PREFERENCE_APPLIED = Header(
    name="Preference-Applied",
    description="There when `respond-async` was honoured, with the seconds of `wait` as they were counted (RFC 7240).",
    schema={"type": "string", "pattern": "^respond-async(, wait=([0-9]|10))?$"},
    required=False,
)
WAITED_LOCATION = Header(
    name="Location",
    description="There when the order was accepted, and this is what became of it: the order stays, at this path.",
    schema={"type": "string", "format": "uri-reference", "pattern": "^/v1/orders/"},
    required=False,
)
REPLAYED = Header(
    name="Idempotent-Replayed",
    description="There when an earlier request with this idempotency key had done it already.",
    schema={"const": "true"},
    required=False,
)
NO_STORE = Header(name="Cache-Control", description="Never to be stored.", schema={"const": "no-store"})
REVALIDATE = Header(name="Cache-Control", description="To be asked for again each time.", schema={"const": "no-cache"})
RATE_LIMIT_POLICY = Header(
    name=POLICY_FIELD,
    description="The limit that the caller, or its address, was charged under: q units in w seconds. Absent where none "
    "is set.",
    schema={"type": "string", "pattern": '^"[a-z.]+";q=[0-9]+;w=[0-9]+$'},
    required=False,
)
RATE_LIMIT = Header(
    name=STATE_FIELD,
    description="What is left of it: r units now, all of them in t seconds.",
    schema={"type": "string", "pattern": '^"[a-z.]+";r=[0-9]+;t=[0-9]+$'},
    required=False,
)
IDEMPOTENCY_KEY = Header(
    name="Idempotency-Key",
    description="Makes the request safe to repeat: with the same key and content it is done once. Bare or quoted.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
    required=False,
)
PREFER = Header(
    name="Prefer",
    description="`respond-async` accepts the order for a worker to place, and answers 202; with `wait=N` (0 to 10 "
    "seconds, a longer one counts as 10) beside it, the outcome is waited for first. All else in it is ignored.",
    schema={"type": "string"},
    required=False,
)
IF_MATCH = Header(
    name="If-Match",
    description="The ETag of the order as it was read: 412 when it has changed since. `*` takes any version.",
    schema={"type": "string", "pattern": '^(\\*|"[1-9][0-9]{0,11}")$'},
    required=False,
)
IF_MATCH_PRODUCT = Header(
    name="If-Match",
    description="The ETag of the product as it was read: 412 when it has changed since, unless it is as asked already. "
    "`*` takes any product that is there. Weak tags never match.",
    schema={"type": "string"},
    required=False,
)
IF_ABSENT = Header(
    name="If-None-Match",
    description="`*` creates the product, and answers 412 where there is one.",
    schema={"type": "string"},
    required=False,
)
IF_NONE_MATCH = Header(
    name="If-None-Match",
    description="An ETag: 304 without a body when it is still right.",
    schema={"type": "string"},
    required=False,
)

# What any request may meet: a header that is not ASCII, a full process, a defect; and all but probes a limit.
OF_PROBES = ("validation_error", "uri_too_long", "overloaded", "internal_error")
ANYWHERE = (*OF_PROBES, "rate_limited")
OF_STORAGE = ("storage_unavailable", "storage_unusable", "schema_outdated")
GUARDED = (*ANYWHERE, "unauthenticated", "forbidden", "concurrency_limited", *OF_STORAGE)
WITH_BODY = ("malformed_json", "payload_too_large", "request_timeout", "unsupported_media_type")
WRITING = (*GUARDED, *WITH_BODY, "outcome_unknown")
