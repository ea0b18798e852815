"""Keeps secrets out of what the program shows or logs: passwords in URLs, API keys, Authorization headers."""

from __future__ import annotations

import re
from urllib.parse import unquote

MASK = "***"

_USER_PASSWORD = re.compile(r"^([^:/@]+://[^:/@]*):.*@", re.DOTALL)
_PARAMETER = re.compile(r"(?<=[?&])([^=&]*)=([^&]*)")
# What a URL's query may show: any other parameter could hold a secret under an unknown name.
_SHOWN_PARAMETERS = frozenset(
    {
        *("host", "hostaddr", "port", "dbname", "user", "application_name", "connect_timeout", "client_encoding"),
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "target_session_attrs", "channel_binding"),
        *("cafile", "certfile", "keyfile", "heartbeat", "socket_timeout", "stack_timeout", "connection_attempts"),
        *("blocked_connection_timeout", "retry_delay", "channel_max", "frame_max", "locale", "replicas"),
        *("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname", "db", "protocol"),
    }
)

_API_KEY = re.compile(r"\b(oms_[0-9A-Za-z]{1,64})_[0-9A-Za-z_-]{16,}")
# As a header, and as it stands in the repr of an environ or of a list of headers.
_AUTHORIZATION = re.compile(
    r"""(?i)((?:\b|_)(?:proxy[-_])?authorization\b["']?\s*[:=,]\s*(?:b?["'])?)([a-z]+\s+)?[^\s"',;)}\]\\]+"""
)
_BEARER = re.compile(r"(?i)\b(bearer)\s+[0-9a-z._~+/=-]{16,}")
_URL_PASSWORD = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://[^\s:/?#@'\"]*):[^\s/?#'\"]*@")
_NAMED_SECRET = re.compile(r"(?i)([?&\s\"'](?:[a-z_]*password|passwd|secret|api_?key|access_?token)=)[^&\s'\"\\]+")


def mask_url(url: str) -> str:
    """Return a URL, or any text, with its password masked. Of its query only what is known to be harmless is shown."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return f"{url.partition(':')[0]}:{MASK}" if ":" in url else MASK
    return _PARAMETER.sub(_mask_parameter, _USER_PASSWORD.sub(rf"\1:{MASK}@", f"{scheme}://{rest}"))


def redact(text: str) -> str:
    """Return a text, such as a line of a log or a traceback, with everything masked that looks like a secret."""
    text = _API_KEY.sub(rf"\1_{MASK}", text)
    text = _AUTHORIZATION.sub(lambda found: f"{found[1]}{found[2] or ''}{MASK}", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    return _NAMED_SECRET.sub(rf"\1{MASK}", text)


def _mask_parameter(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    return f"{name}={value if unquote(name) in _SHOWN_PARAMETERS else MASK}"
