"""The whole contract, and what an adapter's test module has to provide for it."""

from __future__ import annotations

import pytest

from oms_contracts.broker_contract.announcing import AnnouncingPromises
from oms_contracts.broker_contract.dead_lettering import DeadLetterPromises
from oms_contracts.broker_contract.hooks import PASSWORD, BrokerHooks
from oms_contracts.broker_contract.lifecycle import LifecyclePromises
from oms_contracts.broker_contract.races import RacePromises
from oms_contracts.broker_contract.receiving import ReceivingPromises
from oms_core.ports.broker import Broker

__all__ = ["PASSWORD", "BrokerContract"]


class BrokerContract(
    AnnouncingPromises, ReceivingPromises, DeadLetterPromises, LifecyclePromises, RacePromises, BrokerHooks
):
    """Every promise of `oms_core.ports.broker`; each part of the port is a class of its own among the parents.

    A test class inherits this, is named `Test...`, provides the fixture `broker` (one with nothing in it, opened
    with PASSWORD where its URL takes a password, closed afterwards), and overrides the methods of BrokerHooks. Where a
    broker can be opened twice, it also overrides the fixture `rival_broker`.
    """

    @pytest.fixture
    def broker(self) -> Broker:
        """A broker with nothing in it; yours closes it afterwards."""
        raise NotImplementedError("the test class of an adapter provides the fixture `broker`")

    @pytest.fixture
    def rival_broker(self, broker: Broker) -> Broker:
        """The same broker, opened once more; the one opening, where there can be no second."""
        return broker
