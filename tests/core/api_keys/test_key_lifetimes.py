"""How long an API key may live, where a setting says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from oms_contracts.clock import TickingClock
from oms_memory import MemoryStorage

from oms_core import ALL_SCOPES, Caller, CreateApiKey, IssuedApiKey, Oms, OmsError, Ports, RotateApiKey, Scope, Settings

ROOT = Caller(name="root", scopes=ALL_SCOPES)
DAY = timedelta(days=1)


def create(oms: Oms, name: str = "shop", **given: Any) -> IssuedApiKey:
    return oms.api_keys.create(CreateApiKey(**{"name": name, "scopes": [Scope.ORDERS_READ]} | given), caller=ROOT)


def bounded(days: int, storage: MemoryStorage | None = None, clock: TickingClock | None = None) -> Oms:
    """Open a system in memory whose keys live so many days at most."""
    settings = Settings(database_url="memory://", key_days_max=days)
    return Oms(settings=settings, ports=Ports(storage=storage or MemoryStorage(), clock=clock or TickingClock()))


def test_a_key_lives_no_longer_than_the_setting_says() -> None:
    oms = bounded(30)
    assert create(oms, "shop").key.lifetime == 30 * DAY, "also where no expiry was asked for"
    with pytest.raises(OmsError) as caught:
        create(oms, "other", expires_at=oms._ports.clock.now() + 31 * DAY)
    assert (caught.value.errors[0].pointer, caught.value.errors[0].detail) == ("/expires_at", "must be within 30 days")
    rotated = oms.api_keys.rotate(RotateApiKey(name="shop"), caller=ROOT).key
    assert rotated.lifetime == 30 * DAY
    with pytest.raises(OmsError, match="expires_at"):
        oms.api_keys.rotate(RotateApiKey(name="shop", expires_at=oms._ports.clock.now() + 31 * DAY), caller=ROOT)
    short = oms.api_keys.rotate(RotateApiKey(name="shop", expires_at=oms._ports.clock.now() + DAY), caller=ROOT).key
    assert short.expires_at is not None


def test_a_key_that_was_made_for_ever_ends_once_it_is_rotated_under_a_bound() -> None:
    storage, clock = MemoryStorage(), TickingClock()
    assert create(bounded(0, storage, clock)).key.expires_at is None
    oms = bounded(7, storage, clock)
    assert oms.api_keys.rotate(RotateApiKey(name="shop"), caller=ROOT).key.lifetime == 7 * DAY
