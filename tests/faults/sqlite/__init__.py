"""What happens to a file of SQLite, and in its way."""
