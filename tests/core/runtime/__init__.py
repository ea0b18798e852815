"""The tests of oms_core/runtime."""
