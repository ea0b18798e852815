"""Tests on the house itself: what belongs where, what is locked, what is shipped."""
