"""Without the defences of ownership: what a caller bound to a customer may see and do of others' orders."""

from __future__ import annotations

from tests.security.mutation import mutation
from tests.security.mutations.cells import CONTRACT, NOT_THERE, ORDERS, OWNERSHIP, TEST_RETRIES, cell, use_case_file

_AT_ONCE = "            caller=caller,\n            now=self.clock.now(),\n"
OWNERS = (
    mutation(
        "orders.get asks for no owner",
        ORDERS,
        "        return self.databases.primary.orders.get(order_id, owner=caller.customer_id)\n",
        "        return self.databases.primary.orders.get(order_id, owner=None)\n",
        NOT_THERE,
    ),
    mutation(
        "orders.events asks for no owner",
        ORDERS,
        "events(order_id, owner=caller.customer_id,",
        "events(order_id, owner=None,",
        NOT_THERE,
    ),
    mutation(
        "orders.change_status asks for no owner",
        ORDERS,
        "            owner=caller.customer_id,\n",
        "            owner=None,\n",
        NOT_THERE,
        cell("orders.cancel", "all", "of another"),
    ),
    mutation(
        "changes.details asks for no owner",
        use_case_file("orders/changes"),
        f"            owner=caller.customer_id,\n{_AT_ONCE}",
        f"            owner=None,\n{_AT_ONCE}",
        cell("changes.details", "all", "of another"),
    ),
    mutation(
        "changes.lines asks for no owner",
        use_case_file("orders/changes"),
        "            owner=caller.customer_id,\n            decide=decide,\n",
        "            owner=None,\n            decide=decide,\n",
        cell("changes.lines queued, held or pending, without prices", "all", "of another"),
    ),
    mutation(
        "orders.retry asks for no owner",
        ORDERS,
        '"retry", retry_fingerprint(command), caller=caller, owner=caller.customer_id',
        '"retry", retry_fingerprint(command), caller=caller, owner=None',
        NOT_THERE,
    ),
    mutation(
        "lists are everybody's",
        use_case_file("orders/order_pages"),
        "    if caller.customer_id is None:\n",
        "    if True:\n",
        f"{OWNERSHIP}test_a_customer_lists_its_own_orders_only",
        "tests/core/test_forged_cursors.py::test_a_changed_cursor_shows_nothing_of_others",
    ),
    mutation(
        "a filter names another customer",
        use_case_file("orders/order_pages"),
        "    return replace(wanted, customer_id=caller.customer_id)\n",
        "    return wanted\n",
        f"{OWNERSHIP}test_a_customer_lists_its_own_orders_only",
    ),
    mutation(
        "orders.retry_many counts everybody's",
        use_case_file("orders/retry_many"),
        "owned = owned_filter(replace(wanted, statuses=wanted.statuses or _UNLESS_NAMED), caller)",
        "owned = owned_filter(wanted, caller) and replace(wanted, statuses=wanted.statuses or _UNLESS_NAMED)",
        f"{TEST_RETRIES}test_a_customers_caller_retries_its_own_only",
    ),
    mutation(
        "orders.wait asks for no owner",
        ORDERS,
        "        if caller.customer_id is not None:\n",
        "        if False:\n",
        f"{OWNERSHIP}test_waiting_for_anothers_order_ends_at_once_as_for_one_that_is_not_there",
    ),
    mutation(
        "a customer places for another",
        use_case_file("orders/prepare_placement"),
        "    if caller.customer_id is not None and caller.customer_id != command.customer_id:\n",
        "    if False:\n",
        f"{OWNERSHIP}test_a_customer_places_for_itself_only",
        cell("imports.orders", "all", "of another"),
    ),
    mutation(
        "an idempotency key shows another customer's order",
        "oms_core/domain/fingerprints.py",
        "content: list[object] = [command.customer_id, currency,",
        "content: list[object] = [currency,",
        f"{OWNERSHIP}test_a_name_that_was_bound_anew_is_not_shown_the_order_of_its_key",
    ),
    mutation(
        "the owner is not part of the query",
        "adapters/oms_peewee/order_queries.py",
        "    if owner is None:\n",
        "    if True:\n",
        f"{CONTRACT}test_another_customers_order_is_not_found",
    ),
    mutation(
        "the customer is not part of the query",
        "adapters/oms_peewee/order_queries.py",
        "    if wanted.customer_id is not None:\n",
        "    if False:\n",
        f"{CONTRACT}test_orders_are_found_by_customer_and_reference_exactly",
    ),
    mutation(
        "a customer's key holds administration",
        "oms_core/domain/api_keys.py",
        "    if refused := ADMINISTRATION.intersection(scopes):\n",
        "    if refused := set():\n",
        "tests/core/api_keys/test_api_keys.py::test_a_wrong_key_is_refused_with_where_it_is_wrong",
    ),
)
