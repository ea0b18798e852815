"""Tests of the admin CLI."""
