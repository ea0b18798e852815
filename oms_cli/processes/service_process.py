"""What a process of `oms serve` runs, and with which bounds."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from oms_cli.processes.logs import configure_logging
from oms_core.errors import OmsError
from oms_core.settings import Settings
from oms_core.settings.checks import variable
from oms_http.app import BODY_BYTES_MAX, create_app
from oms_http.edge.answer_headers import AnswerHeaders
from oms_http.edge.telemetry import count_refusal
from oms_http.import_answers import IMPORT_BODY_BYTES_MAX
from oms_http.orders.batch import BATCH_BODY_BYTES_MAX
from oms_http.orders.place import joins_batch
from oms_http.server import BodyLimit, ServerOptions, TlsFileError, TlsFiles, WsgiService
from oms_http.settings import HttpSettings
from oms_http.wsgi import open_oms

_EMBEDDED_SCHEMES = frozenset({"sqlite", "memory"})
_PROCESSES_DEFAULT = 2


def open_service(settings: Settings, http: HttpSettings) -> WsgiService:
    """Open the system in a worker process, after the fork; the server calls `close` when that process stops."""
    configure_logging(settings)
    oms = open_oms(settings, http)
    return WsgiService(
        app=create_app(oms, settings=http),
        close=oms.close,
        on_refusal=partial(count_refusal, oms.metrics),
        answer_headers=AnswerHeaders(http.cors_origins),
        checks_heads=True,
        joins_batch=joins_batch if http.http_request_batches and settings.group_commit else None,
    )


def server_options(settings: Settings, http: HttpSettings) -> ServerOptions:
    """Return the server's bounds. Raise `invalid_setting`."""
    if http.http_in_flight_max < http.http_threads:
        detail = f"must be at least OMS_HTTP_THREADS, which is {http.http_threads}"
        raise OmsError("invalid_setting", f"OMS_HTTP_IN_FLIGHT_MAX {detail}; it is {http.http_in_flight_max}")
    return ServerOptions(
        host=settings.host,
        port=http.port,
        tls=_tls_files(http),
        processes=process_count(settings, http),
        threads=http.http_threads,
        in_flight_max=http.http_in_flight_max,
        latency_target_seconds=http.http_latency_target_ms / 1_000 or math.inf,
        body_bytes_max=BODY_BYTES_MAX,
        body_limits=(
            BodyLimit(path="/v1/orders/batch", bytes_max=BATCH_BODY_BYTES_MAX),
            BodyLimit(path="/v1/orders/import", bytes_max=IMPORT_BODY_BYTES_MAX, spooled=True),
            BodyLimit(path="/v1/inventory/import", bytes_max=IMPORT_BODY_BYTES_MAX, spooled=True),
        ),
        body_timeout_seconds=http.http_body_timeout_seconds,
        lame_duck_seconds=http.http_lame_duck_seconds,
        graceful_timeout_seconds=http.http_stop_timeout_seconds,
    )


def process_count(settings: Settings, http: HttpSettings) -> int:
    """Return the number of worker processes: by default one on an embedded database, two on a server.

    Raise `invalid_setting` for more than one on an embedded database, which one process at a time may serve.
    """
    if not is_embedded(settings):
        return http.http_processes or _PROCESSES_DEFAULT
    if http.http_processes > 1:
        scheme = urlsplit(settings.database_url).scheme
        detail = f"one process serves {scheme}://; it is {http.http_processes}"
        raise OmsError("invalid_setting", f"OMS_HTTP_PROCESSES: {detail}")
    return 1


def _tls_files(http: HttpSettings) -> TlsFiles | None:
    """Return the files of TLS, if it is wanted. Raise `invalid_setting` if they cannot be used."""
    if not http.tls_certificate and not http.tls_key:
        return None
    for name, other in (("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")):
        if not getattr(http, name):
            raise OmsError("invalid_setting", f"{variable(name)} must be set too, as {variable(other)} is")
    files = TlsFiles(certificate=Path(http.tls_certificate), key=Path(http.tls_key))
    try:
        files.check()
    except TlsFileError as error:
        raise OmsError("invalid_setting", f"{variable(f'tls_{error.field}')}: {error.why}") from error
    return files


def is_embedded(settings: Settings) -> bool:
    """Return whether the database lives in files or memory of ours, and so is ours to upgrade."""
    return urlsplit(settings.database_url).scheme in _EMBEDDED_SCHEMES
