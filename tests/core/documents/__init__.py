"""Tests of what is read and shown."""
