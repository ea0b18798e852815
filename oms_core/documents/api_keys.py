"""API keys as JSON documents."""

from __future__ import annotations

from datetime import datetime

from oms_core.documents.orders import show_time
from oms_core.domain.api_keys import ApiKey, IssuedApiKey


def show_key(key: ApiKey, now: datetime) -> dict[str, object]:
    """Show a key without its secret, in the state that it has at the time `now`."""
    return {
        "id": str(key.id),
        "name": key.name,
        "number": key.number,
        "state": key.state(now).value,
        "scopes": sorted(key.scopes),
        "customer_id": key.customer_id,
        "created_at": show_time(key.created_at),
        "created_by": key.created_by,
        "expires_at": _show(key.expires_at),
        "revoked_at": _show(key.revoked_at),
        "revoked_by": key.revoked_by,
        "last_used_at": _show(key.last_used_at),
    }


def show_issued(issued: IssuedApiKey, now: datetime) -> dict[str, object]:
    """Show a key that was just made, with the text that its owner presents."""
    return {"key": issued.token, **show_key(issued.key, now)}


def _show(time: datetime | None) -> str | None:
    return None if time is None else show_time(time)
