"""Without the limits of what a caller, and an address, may ask."""

from __future__ import annotations

from tests.security.mutation import mutation

_EDGE = "oms_http/edge/rate_limits.py"
_TEST_ADDRESSES = "tests/http/test_address_limits.py::"
_FORWARDING = "oms_http/edge/forwarding.py"
_TEST_RATES = "tests/core/test_rate_limits.py::"

RATES = (
    mutation(
        "who is over its limit has its body decoded",
        "oms_http/edge/rate_limits.py",
        "        request.charge = oms.rate_limits.charge("
        "RateScope.ORDERS_PLACE, caller=request.caller, charged=request.charged)\n",
        "        pass\n",
        "tests/http/test_rate_limits.py::test_a_body_that_cannot_be_read_costs_what_one_that_can_does",
    ),
    mutation(
        "the entries of a batch over the limit are read",
        "oms_http/orders/batch.py",
        "        request.charge.raise_to(len(documents))\n",
        "        pass\n",
        "tests/http/test_rate_limits.py::test_a_batch_over_the_limit_costs_the_attempt_and_none_of_its_entries_is_read",
    ),
    mutation(
        "who is over its limit is served",
        "oms_core/use_cases/rate_limits.py",
        "        if not allowance.allowed:\n",
        "        if False:\n",
        f"{_TEST_RATES}test_a_caller_over_its_limit_is_refused_with_the_seconds_to_wait",
    ),
    mutation(
        "a batch costs nothing",
        "oms_core/use_cases/orders/orders.py",
        "        charge.raise_to(len(commands))\n",
        "",
        f"{_TEST_RATES}test_a_batch_over_the_limit_is_refused_as_a_whole",
    ),
    mutation(
        "requests cost nothing",
        _EDGE,
        "        if self._limiter is None or limit is None:\n",
        "        if True:\n",
        "tests/http/test_rate_limits.py::test_every_request_costs_one_unit_whatever_becomes_of_it",
    ),
    mutation(
        "callers use up each other's limit",
        "oms_core/domain/callers.py",
        'return f"name:{self.name}" if self.address is None else f"address:{self.address}"',
        'return "everybody"',
        f"{_TEST_RATES}test_callers_do_not_use_up_each_others_limit",
    ),
)

ADDRESSES = (
    mutation(
        "strangers may ask as often as they like",
        _EDGE,
        "            application_limits=limits,",
        "            application_limits=[],",
        f"{_TEST_ADDRESSES}test_pages_without_a_key_are_limited_by_address",
    ),
    mutation(
        "orders count for no address",
        "oms_http/app.py",
        "            limits.charge_address(asked)\n",
        "            pass\n",
        f"{_TEST_ADDRESSES}test_whatever_is_asked_and_of_whom_counts_before_anybody_is_known",
        f"{_TEST_ADDRESSES}test_all_that_an_address_asks_is_one_count",
    ),
    mutation(
        "a large body is charged twice",
        "oms_http/edge/rate_limits.py",
        "    if WELCOME not in request.environ:\n",
        "    if True:\n",
        "tests/http/test_rate_limits.py::test_what_was_charged_by_its_head_alone_is_not_charged_again",
    ),
    mutation(
        "whoever comes from many addresses fills the memory",
        "adapters/oms_limits/counters.py",
        "        while len(self.expirations) > self._keys_max:\n",
        "        while False:\n",
        "tests/adapters/test_rate_limit_counters.py::test_the_counters_are_bounded_and_the_first_give_way",
    ),
    mutation(
        "anybody's X-Forwarded-For is believed",
        _FORWARDING,
        "        if not self.trusts(peer):\n",
        "        if False:\n",
        "tests/http/test_forwarding.py::test_a_peer_that_is_not_trusted_is_not_believed",
    ),
    mutation(
        "a client chooses its address",
        _FORWARDING,
        "        for hop in reversed(",
        "        for hop in iter(",
        "tests/http/test_forwarding.py::test_the_client_is_the_rightmost_hop_that_is_not_trusted",
    ),
)

LIMITS = (*RATES, *ADDRESSES)
