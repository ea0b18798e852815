"""The names that also act without API keys: who may have a key with one."""

from __future__ import annotations

import pytest
from oms_memory import MemoryStorage

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, OmsError, Ports, Scope, Settings

ROOT = Caller(name="root", scopes=ALL_SCOPES)
READ = frozenset({Scope.ORDERS_READ})


def test_no_customer_gets_a_name_that_also_acts_without_keys() -> None:
    """Its idempotency keys would be those of all customers' orders that come by the queue."""
    settings = Settings(auth="keys", commands_caller="shop", local_caller="office")
    oms = Oms(settings=settings, ports=Ports(storage=MemoryStorage()))
    for name in ("shop", "office"):
        with pytest.raises(OmsError) as caught:
            oms.api_keys.create(CreateApiKey(name=name, scopes=READ, customer_id="C1"), caller=ROOT)
        assert [(found.pointer, found.code) for found in caught.value.errors] == [("/customer_id", "not_for_customer")]
        assert oms.api_keys.create(CreateApiKey(name=name, scopes=READ), caller=ROOT).key.name == name
    assert oms.api_keys.create(CreateApiKey(name="other", scopes=READ, customer_id="C1"), caller=ROOT).token
