"""Tests of orders: decided, placed, queued, moved, retried and read."""
