"""The headers that every answer carries: what browsers may do with it, and which sites may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from oms_http.edge.web_origins import ANY_ORIGIN

Header = tuple[str, str]

POLICY = "Content-Security-Policy"
# Data, never a page: nothing is loaded, no frame shows it, and only a page that CORS lets do so reads it (OWASP REST
# Security Cheat Sheet). frame-ancestors says what X-Frame-Options would.
_ALWAYS: tuple[Header, ...] = (
    ("X-Content-Type-Options", "nosniff"),
    (POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_OVER_TLS: Header = ("Strict-Transport-Security", "max-age=31536000")
EXPOSED = (
    "Location, ETag, Link, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, Preference-Applied, "
    "X-Request-ID, WWW-Authenticate, OMS-Replica-Lag"
)
ALLOWED = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-ID"
PREFLIGHT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class AnswerHeaders:
    """The headers of every answer. `origins` are the sites whose pages may read answers: none by default.

    Sites are admitted by CORS (Fetch Standard, 3.2), and never with credentials: an API key goes into a header of its
    own, which no browser adds by itself.
    """

    origins: tuple[str, ...] = ()

    def of(self, *, scheme: str, origin: str | None) -> list[Header]:
        """Return the headers of an answer to a request over `scheme` from a page of `origin`."""
        headers = [*_ALWAYS, _OVER_TLS] if scheme == "https" else list(_ALWAYS)
        if self.origins:
            headers += self._cors(origin)
        return headers

    def of_preflight(self, environ: Mapping[str, object], methods: str) -> list[Header]:
        """Return what a preflight is answered besides: a browser asks it before a request that may change something."""
        if "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in environ or not self._admits(environ.get("HTTP_ORIGIN")):
            return []
        return [
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", ALLOWED),
            ("Access-Control-Max-Age", str(PREFLIGHT_SECONDS)),
        ]

    def _cors(self, origin: str | None) -> list[Header]:
        headers: list[Header] = []
        if self._admits(origin):
            is_any = ANY_ORIGIN in self.origins
            headers.append(("Access-Control-Allow-Origin", ANY_ORIGIN if is_any else str(origin)))
            headers.append(("Access-Control-Expose-Headers", EXPOSED))
        # A cache must not give one site's answer to another, nor one without the header to either.
        return [*headers, ("Vary", "Origin")]

    def _admits(self, origin: object) -> bool:
        return origin is not None and (origin in self.origins or ANY_ORIGIN in self.origins)


PLAIN = AnswerHeaders()
NAMES: Mapping[str, str] = MappingProxyType(dict(_ALWAYS))
