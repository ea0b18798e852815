"""What runs beside requests: threads and their pauses, shared transactions, and what waits for an outcome."""
