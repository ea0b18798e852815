"""The one error of finding and starting servers."""


class ServerUnusable(Exception):
    """A server cannot be reached, refuses us or cannot be started; the text says why, in one line."""
