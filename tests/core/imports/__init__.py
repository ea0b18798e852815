"""Tests of imports of stock and of orders."""
