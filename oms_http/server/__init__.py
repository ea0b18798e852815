"""The production server: granian's HTTP in front of a WSGI application, with a bound on everything (docs/server.md)."""

from oms_http.server.options import BodyLimit, OwnPool, ServerOptions, WsgiService
from oms_http.server.serving import free_address, serve
from oms_http.server.tls import TlsFileError, TlsFiles

__all__ = ["BodyLimit", "OwnPool", "ServerOptions", "TlsFileError", "TlsFiles", "WsgiService", "free_address", "serve"]
