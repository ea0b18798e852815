"""Orders: how they are placed, moved and read."""
