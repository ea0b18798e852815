"""Without the defences of authorisation: scopes, and what a caller bound to a customer may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.security.mutation import Mutation, mutation
from tests.security.mutations.cells import ORDERS, TEST_RETRIES, cell, use_case_file

_STOCK = use_case_file("stock")


def _scopeless(file: str, scope: str, *use_cases: str, then: str = "") -> Mutation:
    """Let callers without any scope do this; `then` is what follows the line where the file has that more than once."""
    before = f"caller.require(Scope.{scope})\n{then}"
    cells = [cell(use_case, "none", "unbound") for use_case in use_cases]
    return mutation(f"{use_cases[0]} needs no scope", file, before, f"pass\n{then}", *cells)


def _unbound(file: str, use_case: str) -> Mutation:
    """Let callers bound to a customer do what is not for them."""
    test = cell(use_case, "all", "of another")
    return mutation(f"{use_case} is for customers too", file, "caller.require_unbound()", "pass", test)


@dataclass(frozen=True, slots=True)
class _Guard:
    """A line that asks for a scope, and for no customer; it stands before `then` in each use case."""

    file: str
    line: str
    scope: str
    guarded: tuple[tuple[str, str], ...]

    def without_scope(self) -> Iterator[Mutation]:
        """Leave of it that the caller must be of no customer."""
        for use_case, then in self.guarded:
            before, after = f"{self.line}\n        {then}", f"caller.require_unbound()\n        {then}"
            yield mutation(f"{use_case} needs no scope", self.file, before, after, cell(use_case, "none", "unbound"))

    def without_binding(self) -> Iterator[Mutation]:
        """Leave of it that the caller must hold the scope."""
        for use_case, then in self.guarded:
            before, after = f"{self.line}\n        {then}", f"caller.require(Scope.{self.scope})\n        {then}"
            yield mutation(
                f"{use_case} is for customers too", self.file, before, after, cell(use_case, "all", "of another")
            )


_GUARDS = (
    _Guard(
        _STOCK,
        "_require_writing(caller)",
        "INVENTORY_WRITE",
        (("stock.set", "self.known_locations.check("), ("stock.delete", "self.databases.primary.stock.delete(")),
    ),
    _Guard(
        use_case_file("api_keys"),
        "_require_admin(caller)",
        "ADMIN",
        (
            ("api_keys.create", "_check_shared_name("),
            ("api_keys.rotate", "latest = "),
            ("api_keys.revoke", "_check_known_name(name)\n        self.storage.keys.revoke("),
            ("api_keys.get", "_check_known_name(name)\n        keys = "),
            ("api_keys.list", "check_limit(limit)"),
        ),
    ),
    _Guard(
        use_case_file("queue/dead_letters"),
        "_require_managing(caller)",
        "ORDERS_MANAGE",
        (
            ("queue.dead_letters.list", "check_limit(limit)"),
            ("queue.dead_letters.replay", "return self.broker.dead_letters().replay(ids)"),
            ("queue.dead_letters.discard", "return self.broker.dead_letters().discard(ids)"),
        ),
    ),
)

SCOPES = (
    _scopeless(
        ORDERS,
        "ORDERS_READ",
        "orders.get",
        then="        _check_known_id(order_id)\n        return self.databases.primary.orders.get(",
    ),
    _scopeless(ORDERS, "ORDERS_READ", "orders.list", then="        filtered = wanted or OrderFilter()"),
    _scopeless(
        ORDERS,
        "ORDERS_READ",
        "orders.events",
        then="        _check_known_id(order_id)\n        check_limit(limit)\n",
    ),
    _scopeless(
        use_case_file("orders/prepare_placement"),
        "ORDERS_WRITE",
        "orders.place",
        "orders.accept",
        then="    if command.hold_seconds == 0",
    ),
    _scopeless(ORDERS, "ORDERS_WRITE", "orders.wait", then="        _check_known_id(order_id)\n"),
    _scopeless(use_case_file("orders/changes"), "ORDERS_WRITE", "changes.details"),
    mutation(
        "changes.lines needs no scope for a price",
        "oms_core/domain/orders/line_changes.py",
        "    caller.require(Scope.ORDERS_MANAGE)\n",
        "    pass\n",
        "tests/core/orders/test_line_changes.py::"
        "test_who_places_orders_changes_them_until_they_are_begun_and_sets_no_price[pending]",
    ),
    _scopeless(
        use_case_file("returns"), "ORDERS_MANAGE", "returns.create", then="        places = self._places([command])"
    ),
    _scopeless(ORDERS, "ORDERS_MANAGE", "orders.retry", then="\n        def decide(order: Order, _: Standing)"),
    mutation(
        "orders.retry_many needs no scope",
        ORDERS,
        "        caller.require(Scope.ORDERS_MANAGE)\n        return retry_many(\n",
        "        return retry_many(\n",
        f"{TEST_RETRIES}test_the_scope_is_asked_for_also_where_nothing_is_to_be_retried",
    ),
    _scopeless(use_case_file("queue/queue"), "ORDERS_READ", "queue.status"),
    _scopeless(
        _STOCK,
        "INVENTORY_READ",
        "stock.get",
        then="        _check_known_form(sku)\n        return self.databases.primary.stock.get(",
    ),
    _scopeless(_STOCK, "INVENTORY_READ", "stock.list", then="        check_limit(limit)\n"),
    _scopeless(_STOCK, "INVENTORY_READ", "stock.export", then="        return ProductExport("),
    _scopeless(_STOCK, "INVENTORY_READ", "stock.movements", then="        caller.require_unbound()"),
    mutation(
        "changes of stock need no scope",
        _STOCK,
        "    caller.require(Scope.INVENTORY_WRITE)\n",
        "",
        *[cell(use_case, "none", "unbound") for use_case in ("stock.adjust", "stock.receive", "stock.delete")],
    ),
    _scopeless(use_case_file("imports/import_stock"), "INVENTORY_WRITE", "imports.stock"),
    mutation(
        "audit needs no inventory:read",
        use_case_file("audit"),
        "    caller.require(Scope.INVENTORY_READ)\n",
        "",
        cell("audit", "orders:read", "unbound"),
    ),
    mutation(
        "audit needs no orders:read",
        use_case_file("audit"),
        "    caller.require(Scope.ORDERS_READ)\n",
        "",
        cell("audit", "inventory:read", "unbound"),
    ),
    mutation(
        "orders.change_status needs no scope",
        ORDERS,
        "        caller.require(scope_needed(command.status))\n        return self.databases.primary.orders.change(\n",
        "        return self.databases.primary.orders.change(\n",
        cell("orders.change_status to cancelled", "none", "unbound"),
        cell("orders.cancel", "none", "unbound"),
    ),
    mutation(
        "whoever cancels may also ship",
        "oms_core/domain/orders/statuses.py",
        "    return Scope.ORDERS_WRITE if target is OrderStatus.CANCELLED else Scope.ORDERS_MANAGE\n",
        "    return Scope.ORDERS_WRITE\n",
        cell("orders.change_status to any other status", "orders:write", "unbound"),
    ),
    mutation(
        "any scope is every scope",
        "oms_core/domain/callers.py",
        "        return scope in self.scopes or Scope.ADMIN in self.scopes\n",
        "        return bool(self.scopes)\n",
        cell("api_keys.create", "orders:read", "unbound"),
        "tests/http/test_callers.py::test_a_scope_that_the_key_lacks_is_named",
    ),
    *[each for guard in _GUARDS for each in guard.without_scope()],
)

BINDINGS = (
    _unbound(use_case_file("queue/queue"), "queue.status"),
    mutation(
        "stock.movements is for customers too",
        _STOCK,
        "        caller.require_unbound()  # Each reservation names an order.\n",
        "",
        cell("stock.movements", "all", "of another"),
    ),
    _unbound(use_case_file("imports/import_stock"), "imports.stock"),
    _unbound(use_case_file("audit"), "audit"),
    *[each for guard in _GUARDS for each in guard.without_binding()],
)

AUTHORISATION = (*SCOPES, *BINDINGS)
