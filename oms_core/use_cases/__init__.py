"""What the system can do: a class per noun, whose methods are the use cases that every driver calls."""
