"""What an answer says of the caller's rate limit (draft-ietf-httpapi-ratelimit-headers)."""

from __future__ import annotations

from oms_core.domain.rate_limits import Allowance

POLICY_FIELD = "RateLimit-Policy"
STATE_FIELD = "RateLimit"


def rate_limit_fields(allowance: Allowance) -> list[tuple[str, str]]:
    """Return the fields: what the limit is (q units in w seconds), and what is left (r units; all in t seconds)."""
    limit = allowance.limit
    return [
        (POLICY_FIELD, f'"{limit.policy}";q={limit.count};w={limit.window_seconds}'),
        (STATE_FIELD, f'"{limit.policy}";r={allowance.remaining};t={allowance.reset_seconds}'),
    ]
