"""Tests of the whole from outside, as its user meets it."""
