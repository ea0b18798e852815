"""What PostgreSQL alone has: its connections, its statements, its errors."""
