"""The worker, and what it does beside placing orders: its sign of life, the sweep, the events it publishes."""
