"""Without the defences of authorisation: scopes, and what a caller bound to a customer may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.security.mutation import Mutation, mutation

_OWNERSHIP = "tests/core/orders/test_ownership.py::"
_MATRIX = "tests/core/test_access.py::test_a_caller_meets_what_the_matrix_says"
_TEST_RETRIES = "tests/core/orders/test_retry_many.py::"
_CONTRACT = "tests/adapters/test_contracts_sqlite.py::TestSqliteStorage::"
_NOT_THERE = f"{_OWNERSHIP}test_anothers_order_is_not_there_for_a_customer"


def _use_case(name: str) -> str:
    return f"oms_core/use_cases/{name}.py"


_ORDERS = _use_case("orders/orders")
_STOCK = _use_case("stock")

# What is written after the owner, where that tells a use case from another.
_AT_ONCE = "            caller=caller,\n            now=self.clock.now(),\n            decide=lambda order, "
_CHANGES_STATUS = f"{_AT_ONCE}standing: decide_status_change("
_UPDATES = f"{_AT_ONCE}_: decide_update("


def _cell(use_case: str, held: str, bound: str) -> str:
    return f"{_MATRIX}[{use_case}-{held}-{bound}]"


def _scopeless(file: str, scope: str, *use_cases: str, then: str = "") -> Mutation:
    """Let callers without any scope do this; `then` is what follows the line where the file has that more than once."""
    before = f"caller.require(Scope.{scope})\n{then}"
    cells = [_cell(use_case, "none", "unbound") for use_case in use_cases]
    return mutation(f"{use_cases[0]} needs no scope", file, before, f"pass\n{then}", *cells)


def _unbound(file: str, use_case: str) -> Mutation:
    """Let callers bound to a customer do what is not for them."""
    cell = _cell(use_case, "all", "of another")
    return mutation(f"{use_case} is for customers too", file, "caller.require_unbound()", "pass", cell)


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
            yield mutation(f"{use_case} needs no scope", self.file, before, after, _cell(use_case, "none", "unbound"))

    def without_binding(self) -> Iterator[Mutation]:
        """Leave of it that the caller must hold the scope."""
        for use_case, then in self.guarded:
            before, after = f"{self.line}\n        {then}", f"caller.require(Scope.{self.scope})\n        {then}"
            yield mutation(
                f"{use_case} is for customers too", self.file, before, after, _cell(use_case, "all", "of another")
            )


_GUARDS = (
    _Guard(
        _STOCK,
        "_require_writing(caller)",
        "INVENTORY_WRITE",
        (("stock.set", "self.known_locations.check("), ("stock.delete", "self.databases.primary.stock.delete(")),
    ),
    _Guard(
        _use_case("api_keys"),
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
        _use_case("queue/dead_letters"),
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
        _ORDERS,
        "ORDERS_READ",
        "orders.get",
        then="        _check_known_id(order_id)\n        return self.databases.primary.orders.get(",
    ),
    _scopeless(_ORDERS, "ORDERS_READ", "orders.list", then="        filtered = wanted or OrderFilter()"),
    _scopeless(
        _ORDERS,
        "ORDERS_READ",
        "orders.events",
        then="        _check_known_id(order_id)\n        check_limit(limit)\n",
    ),
    _scopeless(
        _use_case("orders/prepare_placement"),
        "ORDERS_WRITE",
        "orders.place",
        "orders.accept",
        then="    if command.hold_seconds == 0",
    ),
    _scopeless(_ORDERS, "ORDERS_WRITE", "orders.wait", then="        _check_known_id(order_id)\n"),
    _scopeless(_ORDERS, "ORDERS_WRITE", "orders.update", then="        return self.databases.primary.orders.change(\n"),
    mutation(
        "orders.change_lines needs no scope for a price",
        "oms_core/domain/orders/line_changes.py",
        "    caller.require(Scope.ORDERS_MANAGE)\n",
        "    pass\n",
        "tests/core/orders/test_line_changes.py::"
        "test_who_places_orders_changes_them_until_they_are_begun_and_sets_no_price[pending]",
    ),
    _scopeless(
        _use_case("returns"), "ORDERS_MANAGE", "returns.create", then="        places = self._places([command])"
    ),
    _scopeless(_ORDERS, "ORDERS_MANAGE", "orders.retry", then="\n        def decide(order: Order, _: Standing)"),
    mutation(
        "orders.retry_many needs no scope",
        _ORDERS,
        "        caller.require(Scope.ORDERS_MANAGE)\n        return retry_many(\n",
        "        return retry_many(\n",
        f"{_TEST_RETRIES}test_the_scope_is_asked_for_also_where_nothing_is_to_be_retried",
    ),
    _scopeless(_use_case("queue/queue"), "ORDERS_READ", "queue.status"),
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
        *[_cell(use_case, "none", "unbound") for use_case in ("stock.adjust", "stock.receive", "stock.delete")],
    ),
    _scopeless(_use_case("imports/import_stock"), "INVENTORY_WRITE", "imports.stock"),
    mutation(
        "audit needs no inventory:read",
        _use_case("audit"),
        "    caller.require(Scope.INVENTORY_READ)\n",
        "",
        _cell("audit", "orders:read", "unbound"),
    ),
    mutation(
        "audit needs no orders:read",
        _use_case("audit"),
        "    caller.require(Scope.ORDERS_READ)\n",
        "",
        _cell("audit", "inventory:read", "unbound"),
    ),
    mutation(
        "orders.change_status needs no scope",
        _ORDERS,
        "        caller.require(scope_needed(command.status))\n        return self.databases.primary.orders.change(\n",
        "        return self.databases.primary.orders.change(\n",
        _cell("orders.change_status to cancelled", "none", "unbound"),
        _cell("orders.cancel", "none", "unbound"),
    ),
    mutation(
        "whoever cancels may also ship",
        "oms_core/domain/orders/statuses.py",
        "    return Scope.ORDERS_WRITE if target is OrderStatus.CANCELLED else Scope.ORDERS_MANAGE\n",
        "    return Scope.ORDERS_WRITE\n",
        _cell("orders.change_status to any other status", "orders:write", "unbound"),
    ),
    mutation(
        "any scope is every scope",
        "oms_core/domain/callers.py",
        "        return scope in self.scopes or Scope.ADMIN in self.scopes\n",
        "        return bool(self.scopes)\n",
        _cell("api_keys.create", "orders:read", "unbound"),
        "tests/http/test_callers.py::test_a_scope_that_the_key_lacks_is_named",
    ),
    *[each for guard in _GUARDS for each in guard.without_scope()],
)

OWNERS = (
    mutation(
        "orders.get asks for no owner",
        _ORDERS,
        "        return self.databases.primary.orders.get(order_id, owner=caller.customer_id)\n",
        "        return self.databases.primary.orders.get(order_id, owner=None)\n",
        _NOT_THERE,
    ),
    mutation(
        "orders.events asks for no owner",
        _ORDERS,
        "events(order_id, owner=caller.customer_id,",
        "events(order_id, owner=None,",
        _NOT_THERE,
    ),
    mutation(
        "orders.change_status asks for no owner",
        _ORDERS,
        f"            owner=caller.customer_id,\n{_CHANGES_STATUS}",
        f"            owner=None,\n{_CHANGES_STATUS}",
        _NOT_THERE,
        _cell("orders.cancel", "all", "of another"),
    ),
    mutation(
        "orders.update asks for no owner",
        _ORDERS,
        f"            owner=caller.customer_id,\n{_UPDATES}",
        f"            owner=None,\n{_UPDATES}",
        _cell("orders.update", "all", "of another"),
    ),
    mutation(
        "orders.change_lines asks for no owner",
        _use_case("orders/changes"),
        "        owner=caller.customer_id,\n",
        "        owner=None,\n",
        _cell("orders.change_lines queued, held or pending, without prices", "all", "of another"),
    ),
    mutation(
        "orders.retry asks for no owner",
        _ORDERS,
        '"retry", retry_fingerprint(command), caller=caller, owner=caller.customer_id',
        '"retry", retry_fingerprint(command), caller=caller, owner=None',
        _NOT_THERE,
    ),
    mutation(
        "lists are everybody's",
        _use_case("orders/order_pages"),
        "    if caller.customer_id is None:\n",
        "    if True:\n",
        f"{_OWNERSHIP}test_a_customer_lists_its_own_orders_only",
        "tests/core/test_forged_cursors.py::test_a_changed_cursor_shows_nothing_of_others",
    ),
    mutation(
        "a filter names another customer",
        _use_case("orders/order_pages"),
        "    return replace(wanted, customer_id=caller.customer_id)\n",
        "    return wanted\n",
        f"{_OWNERSHIP}test_a_customer_lists_its_own_orders_only",
    ),
    mutation(
        "orders.retry_many counts everybody's",
        _use_case("orders/retry_many"),
        "owned = owned_filter(replace(wanted, statuses=wanted.statuses or _UNLESS_NAMED), caller)",
        "owned = owned_filter(wanted, caller) and replace(wanted, statuses=wanted.statuses or _UNLESS_NAMED)",
        f"{_TEST_RETRIES}test_a_customers_caller_retries_its_own_only",
    ),
    mutation(
        "orders.wait asks for no owner",
        _ORDERS,
        "        if caller.customer_id is not None:\n",
        "        if False:\n",
        f"{_OWNERSHIP}test_waiting_for_anothers_order_ends_at_once_as_for_one_that_is_not_there",
    ),
    mutation(
        "a customer places for another",
        _use_case("orders/prepare_placement"),
        "    if caller.customer_id is not None and caller.customer_id != command.customer_id:\n",
        "    if False:\n",
        f"{_OWNERSHIP}test_a_customer_places_for_itself_only",
        _cell("imports.orders", "all", "of another"),
    ),
    mutation(
        "an idempotency key shows another customer's order",
        "oms_core/domain/fingerprints.py",
        "content: list[object] = [command.customer_id, currency,",
        "content: list[object] = [currency,",
        f"{_OWNERSHIP}test_a_name_that_was_bound_anew_is_not_shown_the_order_of_its_key",
    ),
    mutation(
        "the owner is not part of the query",
        "adapters/oms_peewee/order_queries.py",
        "    if owner is None:\n",
        "    if True:\n",
        f"{_CONTRACT}test_another_customers_order_is_not_found",
    ),
    mutation(
        "the customer is not part of the query",
        "adapters/oms_peewee/order_queries.py",
        "    if wanted.customer_id is not None:\n",
        "    if False:\n",
        f"{_CONTRACT}test_orders_are_found_by_customer_and_reference_exactly",
    ),
    mutation(
        "a customer's key holds administration",
        "oms_core/domain/api_keys.py",
        "    if refused := ADMINISTRATION.intersection(scopes):\n",
        "    if refused := set():\n",
        "tests/core/api_keys/test_api_keys.py::test_a_wrong_key_is_refused_with_where_it_is_wrong",
    ),
)

BINDINGS = (
    _unbound(_use_case("queue/queue"), "queue.status"),
    mutation(
        "stock.movements is for customers too",
        _STOCK,
        "        caller.require_unbound()  # Each reservation names an order.\n",
        "",
        _cell("stock.movements", "all", "of another"),
    ),
    _unbound(_use_case("imports/import_stock"), "imports.stock"),
    _unbound(_use_case("audit"), "audit"),
    *[each for guard in _GUARDS for each in guard.without_binding()],
)

AUTHORISATION = (*SCOPES, *OWNERS, *BINDINGS)
