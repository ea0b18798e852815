"""What SQLite alone has: its file, its connections, its statements, its errors."""
