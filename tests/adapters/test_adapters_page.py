"""docs/adapters.md names everything that a test module provides for the contract suites."""

from __future__ import annotations

from pathlib import Path

import pytest
from oms_contracts.broker_contract import BrokerContract
from oms_contracts.rate_limiter_contract import RateLimiterContract
from oms_contracts.storage_contract import StorageContract

PAGE = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text(encoding="utf-8")
CONTRACTS = (StorageContract, BrokerContract, RateLimiterContract)
# What the storage contract makes of the fixtures that are provided.
MADE_OF_OTHERS = {"shop", "rival_shop", "publishing_shop", "lossy_shop"}


def provided(contract: type) -> set[str]:
    """Name what a test module provides or may override: the fixtures, and the hooks."""
    hooks = {name for parent in contract.__mro__ if parent.__name__.endswith("Hooks") for name in vars(parent)}
    fixtures = {name for name in dir(contract) if "fixture" in type(getattr(contract, name)).__name__.lower()}
    return {name for name in hooks if not name.startswith("_")} | fixtures - MADE_OF_OTHERS


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_the_page_names_every_fixture_and_method_of_a_suite(contract: type) -> None:
    (row,) = [line for line in PAGE.splitlines() if f".{contract.__name__}` |" in line]
    assert {name for name in provided(contract) if f"`{name}`" in row} == provided(contract)


@pytest.mark.parametrize(
    ("contract", "name"), [(StorageContract, "publishing_storage"), (RateLimiterContract, "limiter")]
)
def test_a_fixture_that_somebody_forgets_is_found_here(contract: type, name: str) -> None:
    assert name in provided(contract)
