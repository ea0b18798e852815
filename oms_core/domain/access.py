"""Who may do what, as data: the scopes that each use case requires, and the rule for a caller bound to a customer.

The use cases themselves check and refuse; this table states what they must refuse. The OpenAPI document and
docs/authorisation.md are generated from it, and tests try every cell of it on the library and over HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from oms_core.domain.callers import Scope


class Binding(StrEnum):
    """What a use case does for a caller that is bound to a customer, beside checking its scopes."""

    NOT_FOUND = "another customer's order is not there (`order_not_found`)"
    OWN_ONLY = "it finds its own customer's orders only"
    OWN_PLACED = "an order for another customer is refused (`forbidden`)"
    ALIKE = "nothing in it is a customer's"
    FORBIDDEN = "it is for callers of no customer (`forbidden`)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """A rule of a method of `Oms`: its caller must hold all `scopes`. `when` tells rules of the same method apart."""

    use_case: str
    scopes: tuple[Scope, ...]
    binding: Binding
    when: str = ""


def _rule(use_case: str, binding: Binding, *scopes: Scope, when: str = "") -> AccessRule:
    return AccessRule(use_case=use_case, scopes=scopes, binding=binding, when=when)


ACCESS_RULES: tuple[AccessRule, ...] = (
    _rule("orders.place", Binding.OWN_PLACED, Scope.ORDERS_WRITE),
    _rule("orders.place_many", Binding.OWN_PLACED, Scope.ORDERS_WRITE),
    _rule("orders.accept", Binding.OWN_PLACED, Scope.ORDERS_WRITE),
    *(
        _rule(method, Binding.OWN_PLACED, Scope.ORDERS_WRITE, Scope.ORDERS_MANAGE, when="with hold_seconds 0")
        for method in ("orders.place", "orders.place_many", "orders.accept")
    ),
    _rule("holds.confirm", Binding.FORBIDDEN, Scope.ORDERS_WRITE),
    _rule("holds.extend", Binding.FORBIDDEN, Scope.ORDERS_WRITE),
    _rule("holds.expire", Binding.FORBIDDEN, Scope.ORDERS_MANAGE),
    _rule("imports.orders", Binding.OWN_PLACED, Scope.ORDERS_MANAGE, Scope.ORDERS_WRITE),
    _rule("imports.shipments", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("imports.returns", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("orders.wait", Binding.NOT_FOUND, Scope.ORDERS_WRITE),
    _rule("orders.get", Binding.NOT_FOUND, Scope.ORDERS_READ),
    _rule("orders.allocations", Binding.OWN_ONLY, Scope.ORDERS_READ),
    _rule("orders.list", Binding.OWN_ONLY, Scope.ORDERS_READ),
    _rule("orders.export", Binding.OWN_ONLY, Scope.ORDERS_READ),
    _rule("orders.events", Binding.NOT_FOUND, Scope.ORDERS_READ),
    _rule("orders.cancel", Binding.NOT_FOUND, Scope.ORDERS_WRITE),
    _rule("orders.change_status", Binding.NOT_FOUND, Scope.ORDERS_WRITE, when="to cancelled"),
    _rule("orders.change_status", Binding.NOT_FOUND, Scope.ORDERS_MANAGE, when="to any other status"),
    _rule("orders.change_many", Binding.NOT_FOUND, Scope.ORDERS_WRITE, when="to cancelled"),
    _rule("orders.change_many", Binding.NOT_FOUND, Scope.ORDERS_MANAGE, when="to any other status"),
    _rule("changes.lines", Binding.NOT_FOUND, Scope.ORDERS_WRITE, when="queued, held or pending, without prices"),
    _rule("changes.lines", Binding.NOT_FOUND, Scope.ORDERS_MANAGE, when="in every status that allows it"),
    _rule("changes.details", Binding.NOT_FOUND, Scope.ORDERS_WRITE),
    _rule("orders.retry", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("orders.retry_many", Binding.OWN_ONLY, Scope.ORDERS_MANAGE),
    _rule("shipments.create", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("shipments.create_many", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("shipments.list", Binding.NOT_FOUND, Scope.ORDERS_READ),
    _rule("shipments.get", Binding.NOT_FOUND, Scope.ORDERS_READ),
    _rule("shipments.update", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("shipments.cancel", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("returns.create", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("returns.create_many", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("returns.list", Binding.NOT_FOUND, Scope.ORDERS_READ),
    _rule("returns.get", Binding.NOT_FOUND, Scope.ORDERS_READ),
    _rule("queue.status", Binding.FORBIDDEN, Scope.ORDERS_READ),
    _rule("queue.dead_letters.list", Binding.FORBIDDEN, Scope.ORDERS_MANAGE),
    _rule("queue.dead_letters.replay", Binding.FORBIDDEN, Scope.ORDERS_MANAGE),
    _rule("queue.dead_letters.discard", Binding.FORBIDDEN, Scope.ORDERS_MANAGE),
    _rule("stock.get", Binding.ALIKE, Scope.INVENTORY_READ),
    _rule("stock.list", Binding.ALIKE, Scope.INVENTORY_READ),
    _rule("stock.export", Binding.ALIKE, Scope.INVENTORY_READ),
    _rule("stock.movements", Binding.FORBIDDEN, Scope.INVENTORY_READ),
    _rule("stock.set", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("stock.adjust", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("stock.receive", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("stock.transfer", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("stock.delete", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("locations.list", Binding.ALIKE, Scope.INVENTORY_READ),
    _rule("locations.get", Binding.ALIKE, Scope.INVENTORY_READ),
    _rule("locations.set", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("imports.stock", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("imports.transfers", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("api_keys.create", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("api_keys.rotate", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("api_keys.revoke", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("api_keys.get", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("api_keys.list", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("archive.write", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("archive.list", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("archive.get", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("audit", Binding.FORBIDDEN, Scope.INVENTORY_READ, Scope.ORDERS_READ),
)


def rules_of(use_case: str) -> tuple[AccessRule, ...]:
    """Return the rules of one method of `Oms`. Raise KeyError where it has none: every use case must have one."""
    rules = tuple(rule for rule in ACCESS_RULES if rule.use_case == use_case)
    if not rules:
        raise KeyError(use_case)
    return rules
