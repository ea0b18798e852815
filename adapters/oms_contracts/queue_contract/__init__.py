"""The contract of a queue: one class of tests, inherited by the test module of every adapter."""

from oms_contracts.queue_contract.contract import PASSWORD, QueueContract

__all__ = ["PASSWORD", "QueueContract"]
