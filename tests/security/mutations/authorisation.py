"""Without the defences of authorisation: scopes, and what a caller bound to a customer may see."""

from __future__ import annotations

from tests.security.mutation import Mutation, mutation

_OWNERSHIP = "tests/core/test_ownership.py::"
_MATRIX = "tests/core/test_access.py::test_a_caller_meets_what_the_matrix_says"
_TEST_RETRIES = "tests/core/test_retry_orders.py::"
_CONTRACT = "tests/adapters/test_contracts_sqlite.py::TestSqliteStorage::"
_NOT_THERE = f"{_OWNERSHIP}test_anothers_order_is_not_there_for_a_customer"


def _use_case(name: str) -> str:
    return f"oms_core/use_cases/{name}.py"


def _cell(use_case: str, held: str, bound: str) -> str:
    return f"{_MATRIX}[{use_case}-{held}-{bound}]"


def _scopeless(file: str, scope: str, *use_cases: str) -> Mutation:
    """Let callers without any scope do this."""
    line = f"    caller.require(Scope.{scope})\n"
    cells = [_cell(use_case, "none", "unbound") for use_case in use_cases]
    return mutation(f"{use_cases[0]} needs no scope", _use_case(file), line, "", *cells)


def _unbound(file: str, use_case: str) -> Mutation:
    """Let callers bound to a customer do what is not for them."""
    cell = _cell(use_case, "all", "of another")
    return mutation(f"{use_case} is for customers too", _use_case(file), "    caller.require_unbound()", "", cell)


def _dead_letters(use_case: str, rest: str) -> tuple[Mutation, Mutation]:
    file = _use_case("dead_letters")
    scope, binding = "    caller.require(Scope.ORDERS_MANAGE)\n", "    caller.require_unbound()\n"
    before = scope + binding + rest
    return (
        mutation(f"{use_case} needs no scope", file, before, binding + rest, _cell(use_case, "none", "unbound")),
        mutation(f"{use_case} is for customers too", file, before, scope + rest, _cell(use_case, "all", "of another")),
    )


SCOPES = (
    _scopeless("get_order", "ORDERS_READ", "get_order"),
    _scopeless("list_orders", "ORDERS_READ", "list_orders"),
    _scopeless("list_order_events", "ORDERS_READ", "list_order_events"),
    _scopeless("prepare_placement", "ORDERS_WRITE", "place_order", "accept_order"),
    _scopeless("wait_for_outcome", "ORDERS_WRITE", "wait_for_outcome"),
    _scopeless("retry_order", "ORDERS_MANAGE", "retry_order"),
    mutation(
        "retry_orders needs no scope",
        _use_case("retry_orders"),
        "    caller.require(Scope.ORDERS_MANAGE)\n",
        "",
        f"{_TEST_RETRIES}test_the_scope_is_asked_for_also_where_nothing_is_to_be_retried",
    ),
    _scopeless("get_queue_status", "ORDERS_READ", "get_queue_status"),
    _scopeless("get_product", "INVENTORY_READ", "get_product"),
    _scopeless("list_products", "INVENTORY_READ", "list_products"),
    _scopeless("export_stock", "INVENTORY_READ", "export_stock"),
    _scopeless("list_movements", "INVENTORY_READ", "list_movements"),
    _scopeless("change_stock", "INVENTORY_WRITE", "set_stock", "adjust_stock", "receive_stock"),
    _scopeless("delete_product", "INVENTORY_WRITE", "delete_product"),
    _scopeless("import_stock", "INVENTORY_WRITE", "import_stock"),
    _scopeless("create_key", "ADMIN", "create_key"),
    _scopeless("rotate_key", "ADMIN", "rotate_key"),
    _scopeless("revoke_key", "ADMIN", "revoke_key"),
    _scopeless("get_key", "ADMIN", "get_key"),
    _scopeless("list_keys", "ADMIN", "list_keys"),
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
        "change_order_status needs no scope",
        _use_case("change_order_status"),
        "    caller.require(scope_needed(command.status))\n",
        "",
        _cell("change_order_status to cancelled", "none", "unbound"),
        _cell("cancel_order", "none", "unbound"),
    ),
    mutation(
        "whoever cancels may also ship",
        "oms_core/domain/orders/statuses.py",
        "    return Scope.ORDERS_WRITE if target is OrderStatus.CANCELLED else Scope.ORDERS_MANAGE\n",
        "    return Scope.ORDERS_WRITE\n",
        _cell("change_order_status to any other status", "orders:write", "unbound"),
    ),
    mutation(
        "any scope is every scope",
        "oms_core/domain/callers.py",
        "        return scope in self.scopes or Scope.ADMIN in self.scopes\n",
        "        return bool(self.scopes)\n",
        _cell("create_key", "orders:read", "unbound"),
        "tests/http/test_callers.py::test_a_scope_that_the_key_lacks_is_named",
    ),
    *_dead_letters("list_dead_letters", "    check_limit(limit)\n"),
    *_dead_letters("replay_dead_letters", "    return queue.dead_letters().replay(ids)\n"),
    *_dead_letters("discard_dead_letters", "    return queue.dead_letters().discard(ids)\n"),
)

OWNERS = (
    mutation(
        "get_order asks for no owner", _use_case("get_order"), "owner=caller.customer_id", "owner=None", _NOT_THERE
    ),
    mutation(
        "list_order_events asks for no owner",
        _use_case("list_order_events"),
        "owner=caller.customer_id",
        "owner=None",
        _NOT_THERE,
    ),
    mutation(
        "change_order_status asks for no owner",
        _use_case("change_order_status"),
        "owner=caller.customer_id",
        "owner=None",
        _NOT_THERE,
        _cell("cancel_order", "all", "of another"),
    ),
    mutation(
        "retry_order asks for no owner",
        _use_case("retry_order"),
        "owner = caller.customer_id",
        "owner = None",
        _NOT_THERE,
    ),
    mutation(
        "lists are everybody's",
        _use_case("list_orders"),
        "    if caller.customer_id is None:\n",
        "    if True:\n",
        f"{_OWNERSHIP}test_a_customer_lists_its_own_orders_only",
        "tests/core/test_forged_cursors.py::test_a_changed_cursor_shows_nothing_of_others",
    ),
    mutation(
        "a filter names another customer",
        _use_case("list_orders"),
        "    return replace(wanted, customer_id=caller.customer_id)\n",
        "    return wanted\n",
        f"{_OWNERSHIP}test_a_customer_lists_its_own_orders_only",
    ),
    mutation(
        "retry_orders counts everybody's",
        _use_case("retry_orders"),
        "owned = owned_filter(replace(wanted, statuses=wanted.statuses or _RETRIABLE), caller)",
        "owned = owned_filter(wanted, caller) and replace(wanted, statuses=wanted.statuses or _RETRIABLE)",
        f"{_TEST_RETRIES}test_a_customers_caller_retries_its_own_only",
    ),
    mutation(
        "wait_for_outcome asks for no owner",
        _use_case("wait_for_outcome"),
        "    if caller.customer_id is not None:\n",
        "    if False:\n",
        f"{_OWNERSHIP}test_waiting_for_anothers_order_ends_at_once_as_for_one_that_is_not_there",
    ),
    mutation(
        "a customer places for another",
        _use_case("prepare_placement"),
        "    if caller.customer_id is not None and caller.customer_id != command.customer_id:\n",
        "    if False:\n",
        f"{_OWNERSHIP}test_a_customer_places_for_itself_only",
        _cell("import_orders", "all", "of another"),
    ),
    mutation(
        "an idempotency key shows another customer's order",
        "oms_core/domain/fingerprints.py",
        "_digest([command.customer_id, currency,",
        "_digest([currency,",
        f"{_OWNERSHIP}test_a_name_that_was_bound_anew_is_not_shown_the_order_of_its_key",
    ),
    mutation(
        "the owner is not part of the query",
        "adapters/oms_peewee/order_queries.py",
        "    return wanted if owner is None else wanted.where(OrderRow.customer_id == owner)\n",
        "    return wanted\n",
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
        "tests/core/test_keys.py::test_a_wrong_key_is_refused_with_where_it_is_wrong",
    ),
)

BINDINGS = (
    _unbound("get_queue_status", "get_queue_status"),
    _unbound("list_movements", "list_movements"),
    _unbound("change_stock", "set_stock"),
    _unbound("delete_product", "delete_product"),
    _unbound("import_stock", "import_stock"),
    _unbound("audit", "audit"),
    _unbound("create_key", "create_key"),
    _unbound("rotate_key", "rotate_key"),
    _unbound("revoke_key", "revoke_key"),
    _unbound("get_key", "get_key"),
    _unbound("list_keys", "list_keys"),
)

AUTHORISATION = (*SCOPES, *OWNERS, *BINDINGS)
