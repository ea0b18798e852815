"""The contract suites of oms_contracts, run on every adapter, and what is particular to one."""
