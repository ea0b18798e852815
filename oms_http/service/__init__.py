"""The service on itself: whether it works, what it counts, and its documentation."""
