"""The contract of a broker: one class of tests, inherited by the test module of every adapter."""

from oms_contracts.broker_contract.contract import PASSWORD, BrokerContract

__all__ = ["PASSWORD", "BrokerContract"]
