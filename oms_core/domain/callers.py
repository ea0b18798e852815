"""The caller of a use case, and its rights."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from oms_core.domain.limits import CALLER_LENGTH_MAX, CUSTOMER_ID_LENGTH_MAX
from oms_core.domain.validation import Findings
from oms_core.errors import OmsError


class Scope(StrEnum):
    """A right that a caller holds; `admin` holds every other."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ORDERS_MANAGE = "orders:manage"
    INVENTORY_READ = "inventory:read"
    INVENTORY_WRITE = "inventory:write"
    ADMIN = "admin"


_is_short_visible_ascii = re.compile(f"[!-~]{{1,{min(CALLER_LENGTH_MAX, CUSTOMER_ID_LENGTH_MAX)}}}").fullmatch
ALL_SCOPES = frozenset(Scope)
# The names of those who act without an API key, unless settings name them.
LOCAL_NAME = "local"
COMMANDS_NAME = "commands"
WORKER_NAME = "worker"
# These rights always reach beyond one customer.
ADMINISTRATION = frozenset({Scope.ADMIN, Scope.INVENTORY_WRITE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The party a use case runs for.

    `name` is a stable principal: it is the actor of every change and the namespace of idempotency keys. A caller with a
    `customer_id` sees and places that customer's orders only. `request_id` ties the events to the driver's log.
    `address` tells callers apart that share a name because authentication is off; rate limits count by it.
    """

    name: str
    scopes: frozenset[Scope]
    customer_id: str | None = None
    request_id: str | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if (
            _is_plain(self.name)
            and (self.customer_id is None or _is_plain(self.customer_id))
            and (self.request_id is None or _is_plain(self.request_id))
        ):
            return
        findings = Findings()
        findings.identifier("/caller/name", self.name, longest=CALLER_LENGTH_MAX)
        if self.customer_id is not None:
            findings.identifier("/caller/customer_id", self.customer_id, longest=CUSTOMER_ID_LENGTH_MAX)
        if self.request_id is not None:
            findings.identifier("/caller/request_id", self.request_id, longest=CALLER_LENGTH_MAX)
        findings.raise_if_any()

    @property
    def rate_key(self) -> str:
        """The text that rate limits count by: the address where there is one, else the name."""
        return f"name:{self.name}" if self.address is None else f"address:{self.address}"

    def of_request(self, request_id: str | None) -> Caller:
        """Return the same caller for another request, without checking again what was checked before.

        It is called for every request that brings a key. Raise `validation_error` for an id that cannot be stored.
        """
        if request_id is not None and not _is_plain(request_id):
            return replace(self, request_id=request_id)  # This checks the id.
        other = object.__new__(Caller)
        write = object.__setattr__
        write(other, "name", self.name)
        write(other, "scopes", self.scopes)
        write(other, "customer_id", self.customer_id)
        write(other, "request_id", request_id)
        write(other, "address", self.address)
        return other

    def may(self, scope: Scope) -> bool:
        """Return whether the caller holds a scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def require(self, scope: Scope) -> None:
        """Raise `forbidden` unless the caller holds the scope."""
        if not self.may(scope):
            raise OmsError("forbidden", f"this needs the scope {scope.value}", data={"scope": scope.value})

    def require_unbound(self) -> None:
        """Raise `forbidden` for a caller bound to a customer, before anything that concerns all customers."""
        if self.customer_id is not None:
            raise OmsError("forbidden", "this tells of all customers, and this caller is bound to one")


def _is_plain(text: object) -> bool:
    """Return whether a text is right, told at a glance: visible ASCII of a length that each of a caller's may have."""
    return isinstance(text, str) and _is_short_visible_ascii(text) is not None
