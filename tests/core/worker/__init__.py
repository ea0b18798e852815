"""Tests of the worker and the event relay."""
