"""API keys over HTTP: making, rotating and ending them."""
