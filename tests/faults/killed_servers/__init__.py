"""Servers that are killed, frozen and started again under load: dear, so `make system` runs them."""
