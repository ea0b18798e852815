"""The REST service: a Flask application over class Oms, for the server in `oms_http.server` or any other."""

from oms_http.app import create_app
from oms_http.service.metrics_app import metrics_app

__all__ = ["create_app", "metrics_app"]
