"""Storage on PostgreSQL and SQLite; whoever opens one of them imports nothing of the other."""
