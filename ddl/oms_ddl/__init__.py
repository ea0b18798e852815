"""The schema of each database as numbered, forward-only SQL files, read by the storage adapter."""
