"""What the system can do: a class per noun, whose methods are the use cases. Every driver calls these."""
