"""How API keys are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from oms_cli.terminal.view import Column, View
from oms_core.documents.api_keys import show_issued, show_key
from oms_core.domain.api_keys import ApiKey, ApiKeyState, IssuedApiKey

_COLOURS: Mapping[ApiKeyState, str] = MappingProxyType(
    {ApiKeyState.ACTIVE: "green", ApiKeyState.EXPIRED: "yellow", ApiKeyState.REVOKED: "red"}
)


def api_keys_view(now: datetime) -> View[ApiKey]:
    """Return the view of API keys as they are at a time."""
    return View(
        columns=_columns(now),
        document=lambda api_key: show_key(api_key, now),
        nothing="no API keys; oms keys create makes one",
    )


def issued_view(now: datetime) -> View[IssuedApiKey]:
    """Return the view of an API key that was just made: with its text first."""
    return View(
        columns=(
            Column(name="key", value=lambda issued: issued.token, whole=True),
            *(_of_api_key(column) for column in _columns(now)),
        ),
        document=lambda issued: show_issued(issued, now),
    )


def _columns(now: datetime) -> tuple[Column[ApiKey], ...]:
    return (
        Column(name="name", value=lambda api_key: api_key.name, whole=True),
        Column(name="number", value=lambda api_key: api_key.number, right=True),
        Column(
            name="state",
            value=lambda api_key: api_key.state(now).value,
            whole=True,
            style=lambda api_key: _COLOURS[api_key.state(now)],
        ),
        Column(name="scopes", value=lambda api_key: " ".join(sorted(api_key.scopes))),
        Column(name="customer_id", value=lambda api_key: api_key.customer_id),
        Column(name="expires_at", value=lambda api_key: api_key.expires_at),
        Column(name="last_used_at", value=lambda api_key: api_key.last_used_at),
        Column(name="created_at", value=lambda api_key: api_key.created_at, spare=True),
        Column(name="created_by", value=lambda api_key: api_key.created_by, spare=True),
        Column(name="revoked_at", value=lambda api_key: api_key.revoked_at, spare=True),
        Column(name="revoked_by", value=lambda api_key: api_key.revoked_by, spare=True),
        Column(name="id", value=lambda api_key: api_key.id, whole=True, spare=True),
    )


def _of_api_key(column: Column[ApiKey]) -> Column[IssuedApiKey]:
    return Column(name=column.name, value=lambda issued: column.value(issued.key))
