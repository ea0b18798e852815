"""The threads of the service; adapters supply the transports."""
