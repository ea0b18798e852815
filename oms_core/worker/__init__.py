"""The worker: it places queued orders, publishes events, and shows that it is alive."""
