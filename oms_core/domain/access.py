"""Who may do what, as data: the scopes that each use case asks for, and what a caller bound to a customer meets.

The use cases themselves refuse; this table says what they are to refuse. The OpenAPI document and docs/authorisation.md
are drawn from it, and tests try every cell of it on the library and over HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from oms_core.domain.callers import Scope


class Binding(StrEnum):
    """What a caller that is bound to a customer meets in a use case, beside what its scopes allow."""

    NOT_FOUND = "another customer's order is not there (`order_not_found`)"
    OWN_ONLY = "it finds its own customer's orders only"
    OWN_PLACED = "an order for another customer is refused (`forbidden`)"
    ALIKE = "nothing in it is a customer's"
    FORBIDDEN = "it is for callers of no customer (`forbidden`)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """What one method of `Oms` asks of its caller: all of `scopes`. `when` tells apart rules of the same method."""

    use_case: str
    scopes: tuple[Scope, ...]
    binding: Binding
    when: str = ""


def _rule(use_case: str, binding: Binding, *scopes: Scope, when: str = "") -> AccessRule:
    return AccessRule(use_case=use_case, scopes=scopes, binding=binding, when=when)


ACCESS_RULES: tuple[AccessRule, ...] = (
    _rule("place_order", Binding.OWN_PLACED, Scope.ORDERS_WRITE),
    _rule("place_orders", Binding.OWN_PLACED, Scope.ORDERS_WRITE),
    _rule("accept_order", Binding.OWN_PLACED, Scope.ORDERS_WRITE),
    _rule("import_orders", Binding.OWN_PLACED, Scope.ORDERS_WRITE),
    _rule("wait_for_outcome", Binding.NOT_FOUND, Scope.ORDERS_WRITE),
    _rule("get_order", Binding.NOT_FOUND, Scope.ORDERS_READ),
    _rule("list_orders", Binding.OWN_ONLY, Scope.ORDERS_READ),
    _rule("list_order_events", Binding.NOT_FOUND, Scope.ORDERS_READ),
    _rule("cancel_order", Binding.NOT_FOUND, Scope.ORDERS_WRITE),
    _rule("change_order_status", Binding.NOT_FOUND, Scope.ORDERS_WRITE, when="to cancelled"),
    _rule("change_order_status", Binding.NOT_FOUND, Scope.ORDERS_MANAGE, when="to any other status"),
    _rule("retry_order", Binding.NOT_FOUND, Scope.ORDERS_MANAGE),
    _rule("retry_orders", Binding.OWN_ONLY, Scope.ORDERS_MANAGE),
    _rule("get_queue_status", Binding.FORBIDDEN, Scope.ORDERS_READ),
    _rule("list_dead_letters", Binding.FORBIDDEN, Scope.ORDERS_MANAGE),
    _rule("replay_dead_letters", Binding.FORBIDDEN, Scope.ORDERS_MANAGE),
    _rule("discard_dead_letters", Binding.FORBIDDEN, Scope.ORDERS_MANAGE),
    _rule("get_product", Binding.ALIKE, Scope.INVENTORY_READ),
    _rule("list_products", Binding.ALIKE, Scope.INVENTORY_READ),
    _rule("export_stock", Binding.ALIKE, Scope.INVENTORY_READ),
    _rule("list_movements", Binding.FORBIDDEN, Scope.INVENTORY_READ),
    _rule("set_stock", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("adjust_stock", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("receive_stock", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("delete_product", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("import_stock", Binding.FORBIDDEN, Scope.INVENTORY_WRITE),
    _rule("create_key", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("rotate_key", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("revoke_key", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("get_key", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("list_keys", Binding.FORBIDDEN, Scope.ADMIN),
    _rule("audit", Binding.FORBIDDEN, Scope.INVENTORY_READ, Scope.ORDERS_READ),
)


def rules_of(use_case: str) -> tuple[AccessRule, ...]:
    """Return the rules of one method of `Oms`. Raises KeyError where it has none: every use case has to have one."""
    rules = tuple(rule for rule in ACCESS_RULES if rule.use_case == use_case)
    if not rules:
        raise KeyError(use_case)
    return rules
