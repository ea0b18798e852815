"""How an operation is described: the route that answers it, and everything that can be sent and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from flask import Response
from pydantic import BaseModel

from oms_core.domain.access import AccessRule, rules_of
from oms_core.domain.rate_limits import RateScope
from oms_http.openapi.headers import Header
from oms_http.queries import QueryParameter

View = Callable[..., Response]


def _unanswered(*_: object) -> Response:
    """Refuse: an operation is registered once it decorates a function."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that is no error. `schema` is a model for JSON, None for another text or no body at all.

    `further_types` are media types of texts that may come in place of `media_type`.

    `page_type` is the media type of a page that says the same, which Accept asks for. Where something was created,
    `creates` is the member that names it, as the parameter of the paths that lead to it does.
    """

    status: int
    description: str
    schema: type[BaseModel] | None = None
    media_type: str | None = "application/json"
    further_types: tuple[str, ...] = ()
    page_type: str | None = None
    headers: tuple[Header, ...] = ()
    creates: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBody:
    """A request's body that is no JSON, with an example in each of the media types that it may have."""

    description: str
    examples: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path, described. It decorates the function that answers it, which becomes its `view`.

    - `view` is called with the service, the request and the path's parameters in order.
    - `errors` are the codes that it may answer. Their HTTP statuses and shapes follow from them. `error_headers` are
      headers that they may carry besides.
    - `body_parts` are models that the body's schema names, and that are read later.
    - `use_cases` are the methods of Oms that `view` calls. Their rules of access are the operation's.
    - Where `places_orders`, the core charges, by the order. `heavy` ones are answered few at a time, however small;
      those that take long, as those with a text for a body do, take no place from these.
    - One that `offers_example` can be tried with the examples of its path, once those above it were.

    An operation under /v1 is `guarded`: the caller is known and charged, and the query is checked, before `view` runs.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    answers: tuple[Answer, ...]
    errors: tuple[str, ...]
    description: str = ""
    query: tuple[QueryParameter, ...] = ()
    headers: tuple[Header, ...] = ()
    error_headers: tuple[Header, ...] = ()
    body: type[BaseModel] | TextBody | None = None
    body_parts: tuple[type[BaseModel], ...] = ()
    places_orders: bool = False
    heavy: bool = False
    takes_long: bool = False
    offers_example: bool = True
    use_cases: tuple[str, ...] = ()
    view: View = _unanswered

    def __call__(self, view: View) -> Operation:
        """Return the operation that this function answers."""
        return replace(self, view=view)

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


# What any request may meet: a header that is not ASCII, a full process, a defect; and all but probes a limit.
OF_PROBES = ("validation_error", "uri_too_long", "overloaded", "internal_error")
ANYWHERE = (*OF_PROBES, "rate_limited")
OF_STORAGE = ("storage_unavailable", "storage_unusable", "schema_outdated")
GUARDED = (*ANYWHERE, "unauthenticated", "forbidden", "concurrency_limited", *OF_STORAGE)
WITH_BODY = ("malformed_json", "payload_too_large", "request_timeout", "unsupported_media_type")
WRITING = (*GUARDED, *WITH_BODY, "outcome_unknown")
