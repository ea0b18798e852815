"""Where the use cases are, and the tests of who may do what."""

from __future__ import annotations

OWNERSHIP = "tests/core/orders/test_ownership.py::"
MATRIX = "tests/core/test_access.py::test_a_caller_meets_what_the_matrix_says"
TEST_RETRIES = "tests/core/orders/test_retry_many.py::"
CONTRACT = "tests/adapters/test_contracts_sqlite.py::TestSqliteStorage::"
NOT_THERE = f"{OWNERSHIP}test_anothers_order_is_not_there_for_a_customer"
ORDERS = "oms_core/use_cases/orders/orders.py"


def use_case_file(name: str) -> str:
    """Give the file of use cases."""
    return f"oms_core/use_cases/{name}.py"


def cell(use_case: str, held: str, bound: str) -> str:
    """Give the test of one cell of the matrix."""
    return f"{MATRIX}[{use_case}-{held}-{bound}]"
