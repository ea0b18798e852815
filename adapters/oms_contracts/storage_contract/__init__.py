"""The contract of a storage: one class of tests, inherited by the test module of every adapter."""

from oms_contracts.storage_contract.contract import PASSWORD, StockEvent, StorageContract

__all__ = ["PASSWORD", "StockEvent", "StorageContract"]
