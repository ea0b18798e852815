"""Finished orders leave the database for a file, and can be looked up there."""
