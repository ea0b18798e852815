"""The headers of requests and answers, described once for every operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oms_http.edge.rate_limit_fields import POLICY_FIELD, STATE_FIELD


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header of a request or an answer; an optional one of an answer says in its description when it is there."""

    name: str
    description: str
    schema: Mapping[str, object]
    required: bool = True


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
REPLICA_LAG = Header(
    name="OMS-Replica-Lag",
    description="How old what is shown may be at most, in seconds, where it was read from a replica of the database. "
    "Absent where it is as of now.",
    schema={"type": "string", "pattern": r"^[0-9]+\.[0-9]{3}$"},
    required=False,
)
CONTENT_DISPOSITION = Header(
    name="Content-Disposition",
    description="A name for the file.",
    schema={"type": "string", "pattern": '^attachment; filename="[a-z]+\\.(csv|jsonl)"$'},
)
# Of a list that may be read from a replica.
OF_LISTS = (LINK, REPLICA_LAG)
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
