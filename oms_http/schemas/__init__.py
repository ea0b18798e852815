"""The shapes of requests and answers as pydantic models: what /openapi.json publishes, and small bodies are read by."""
