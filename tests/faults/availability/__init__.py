"""Databases of several servers: one is killed, frozen, replaced or stood in for while buyers buy."""
