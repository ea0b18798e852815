"""Tests of the domain and the use cases, on the memory adapters."""
