"""The production server: granian's HTTP in front of a WSGI application, with a bound on everything (docs/server.md)."""

from oms_http.server.options import BodyLimit, ServerOptions, WsgiService
from oms_http.server.serving import serve

__all__ = ["BodyLimit", "ServerOptions", "WsgiService", "serve"]
