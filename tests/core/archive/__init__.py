"""Archiving, over memory."""
