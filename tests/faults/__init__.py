"""What happens when a server, a connection or a process dies."""
