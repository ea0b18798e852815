"""One verb per file; every driver calls these and nothing deeper."""
