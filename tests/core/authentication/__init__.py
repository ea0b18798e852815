"""Tests of who presents an API key."""
