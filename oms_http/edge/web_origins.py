"""Web origins: the sites whose pages may read answers."""

from __future__ import annotations

from urllib.parse import urlsplit

ANY_ORIGIN = "*"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def read_origin(text: str) -> str:
    """Return an origin as browsers send it (RFC 6454, 6.2), or `*`. Raises ValueError for any other."""
    parts = urlsplit(text)
    if text != ANY_ORIGIN and (
        parts.scheme not in _DEFAULT_PORTS
        or text != f"{parts.scheme}://{parts.netloc}".lower()
        or not parts.hostname
        or parts.username is not None
        or parts.port in (0, _DEFAULT_PORTS[parts.scheme])
    ):
        raise ValueError(text)
    return text
