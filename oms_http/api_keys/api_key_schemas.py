"""API keys as requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict
from typing_extensions import TypeAliasType

from oms_core.documents.orders import whole
from oms_core.domain import limits
from oms_core.domain.api_keys import check_bound_scopes, check_key_name
from oms_core.domain.callers import Scope as CoreScope
from oms_core.domain.validation import Findings
from oms_http.schemas.fields import CustomerId, GivenTime, Time
from oms_http.schemas.models import Input, Output, checked

KEY_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"
_KEY: JsonDict = {
    "id": "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10",
    "name": "shop",
    "number": 1,
    "state": "active",
    "scopes": ["inventory:read", "orders:read", "orders:write"],
    "customer_id": None,
    "created_at": "2026-11-22T21:00:00.000000Z",
    "created_by": "root",
    "expires_at": None,
    "revoked_at": None,
    "revoked_by": None,
    "last_used_at": "2026-11-22T21:05:00.000000Z",
}
_ISSUED: JsonDict = {
    **_KEY,
    "key": "oms_019ab4c57d307a319c1e0b7f6f3f4a10_" + "0123456789abcdef" * 4,
    "last_used_at": None,
}

SCOPES = MappingProxyType({scope.value: scope for scope in CoreScope})


def _check_scope(findings: Findings, pointer: str, name: str) -> None:
    if name not in SCOPES:
        findings.add(pointer, "unknown_scope", f"must be one of {', '.join(SCOPES)}")


KeyName = TypeAliasType(
    "KeyName",
    Annotated[
        str,
        Field(
            min_length=1,
            max_length=limits.KEY_NAME_LENGTH_MAX,
            json_schema_extra={"pattern": KEY_NAME_PATTERN},
            description="Who holds the key: the actor in the ledger, and whose idempotency keys they are.",
        ),
        checked(lambda findings, _, name: check_key_name(findings, name)),
    ],
)
Scope = TypeAliasType("Scope", Annotated[str, Field(json_schema_extra={"enum": list(SCOPES)}), checked(_check_scope)])


class KeyRequest(Input):
    """The first key of a name is to be made. One bound to a customer holds neither `admin` nor `inventory:write`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "shop", "scopes": ["orders:read", "orders:write", "inventory:read"]}]}
    )

    name: KeyName
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(CoreScope))]
    customer_id: CustomerId | None = None
    expires_at: GivenTime | None = None

    @classmethod
    def check_together(cls, findings: Findings, document: Mapping[str, object]) -> None:
        """Note scopes that no key of a customer may hold."""
        names = document.get("scopes")
        if document.get("customer_id") is not None and isinstance(names, list):
            check_bound_scopes(findings, [SCOPES[name] for name in names if isinstance(name, str) and name in SCOPES])


class RotationRequest(Input):
    """A further key of a name is to be made; the former ones end after the overlap."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"overlap_seconds": 3600}]})

    overlap_seconds: Annotated[
        int, Field(strict=True, ge=0, le=limits.KEY_OVERLAP_SECONDS_MAX), BeforeValidator(whole)
    ] = limits.KEY_OVERLAP_SECONDS_DEFAULT
    expires_at: Annotated[
        GivenTime | None, Field(description="Without it, it lives as long as the key before it was made for.")
    ] = None


class Key(Output):
    """A key, without its secret, which nobody has but its holder. `last_used_at` is exact to about a minute."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    name: KeyName
    number: Annotated[int, Field(ge=1, description="Counts the keys of a name.")]
    state: Literal["active", "expired", "revoked"]
    scopes: list[Scope]
    customer_id: CustomerId | None
    created_at: Time
    created_by: str
    expires_at: Time | None
    revoked_at: Time | None
    revoked_by: str | None
    last_used_at: Time | None


class IssuedKey(Key):
    """A key that was just made. `key` is what its holder sends, and is shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ISSUED]})

    key: Annotated[str, Field(json_schema_extra={"pattern": "^oms_[0-9a-f]{32}_[0-9a-f]{64}$"})]


class KeyPage(Output):
    """Keys by name, the oldest of a name first."""

    items: list[Key]
    next: str | None


class NamedKeys(Output):
    """The keys of one name, newest first, at most 500."""

    items: list[Key]
