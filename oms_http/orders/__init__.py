"""Orders over HTTP: placing, reading and changing them."""
