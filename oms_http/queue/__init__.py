"""The queue over HTTP: how it stands, and the messages that could not be read."""
