"""A Flask service that does next to nothing, so that what is measured is the server in front of it.

`python -m tests.bench.noop OPTIONS` serves it on our server; OPTIONS is a JSON object of ServerOptions.
"""

from __future__ import annotations

import json
import sys
import threading

from flask import Flask, request
from flask.typing import ResponseReturnValue

from oms_http.server import ServerOptions, WsgiService, serve

NOOP = "/noop"
WAIT = "/wait"
WAIT_SECONDS = 0.005
HOLD = "/hold"
HOLD_SECONDS = 60.0


def make_app() -> Flask:
    """Make routes that parse a small order; one waits 5 ms too, as if for a database, another one for long."""
    app = Flask(__name__)
    never = threading.Event()

    @app.post(NOOP)
    def noop() -> ResponseReturnValue:
        return {"lines": len(json.loads(request.get_data())["lines"])}, 201

    @app.post(WAIT)
    def wait() -> ResponseReturnValue:
        never.wait(WAIT_SECONDS)
        return noop()

    @app.post(HOLD)
    def hold() -> ResponseReturnValue:
        never.wait(HOLD_SECONDS)
        return noop()

    return app


def open_service() -> WsgiService:
    """Make the app; there is nothing to close."""
    return WsgiService(app=make_app(), close=lambda: None)


if __name__ == "__main__":
    sys.exit(serve(open_service, options=ServerOptions(**json.loads(sys.argv[1]))))
