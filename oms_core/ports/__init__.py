"""What the core needs from outside, as Protocols that speak domain types."""
