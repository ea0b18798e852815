"""Imports: files of stock and of orders."""
