"""The queue: the orders that wait, and the messages that could not be read."""
