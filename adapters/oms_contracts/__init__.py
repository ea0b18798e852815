"""The tests that every adapter of a port must pass; an adapter's own test module inherits them (docs/adapters.md)."""

import pytest

# Their asserts then explain themselves when they fail, as those of a test module do.
pytest.register_assert_rewrite(
    "oms_contracts.storage_contract", "oms_contracts.broker_contract", "oms_contracts.rate_limiter_contract"
)
