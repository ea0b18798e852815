"""Orders: what one is, how it is placed, and how it moves."""
