"""`oms serve`: the service over HTTP."""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from oms_cli.commands.command import command
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import WHOLE_NUMBER
from oms_cli.terminal.exits import report_address
from oms_cli.terminal.messages import counted
from oms_cli.views.welcome import welcome
from oms_core.settings import Settings

if TYPE_CHECKING:
    from oms_cli.processes.metrics_listener import MetricsListener
    from oms_core import Oms
    from oms_http.settings import HttpSettings

_log = logging.getLogger(__name__)


PortOption = Annotated[
    int | None, typer.Option("--port", metavar="P", parser=WHOLE_NUMBER, help="Port to listen on; 0 takes any.")
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        "--processes",
        metavar="N",
        parser=WHOLE_NUMBER,
        help="Server processes; 0: one on SQLite, two on PostgreSQL.",
    ),
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", metavar="N", parser=WHOLE_NUMBER, help="Threads per process.")
]
InFlightOption = Annotated[
    int | None,
    typer.Option(
        "--in-flight-max", metavar="N", parser=WHOLE_NUMBER, help="Requests per process at once; more get 503."
    ),
]


def register(app: typer.Typer) -> None:
    """Add `serve` to the program."""
    command(app, "serve", without=frozenset({"output", "actor"}))(serve)


def serve(
    session: Session,
    *,
    host: Annotated[str | None, typer.Option("--host", metavar="H", help="Address to listen on.")] = None,
    port: PortOption = None,
    tls_certificate: Annotated[
        str | None, typer.Option("--tls-certificate", metavar="FILE", help="Speak HTTPS with this PEM chain.")
    ] = None,
    tls_key: Annotated[str | None, typer.Option("--tls-key", metavar="FILE", help="Its private key, in PEM.")] = None,
    processes: ProcessesOption = None,
    threads: ThreadsOption = None,
    in_flight_max: InFlightOption = None,
    metrics_address: Annotated[
        str | None, typer.Option("--metrics-address", metavar="HOST:PORT", help="Serve /metrics there instead.")
    ] = None,
    log_format: Annotated[str | None, typer.Option("--log-format", metavar="text|json", help="Of stderr.")] = None,
    log_level: Annotated[str | None, typer.Option("--log-level", metavar="L", help="From which level.")] = None,
) -> None:
    """Serve the REST API until Ctrl-C or SIGTERM, which let requests in flight finish.

    Every option is also a setting: OMS_HOST, OMS_PORT, OMS_HTTP_PROCESSES, ... (oms config show).
    """
    flags = {
        "host": host,
        "port": port,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "http_processes": processes,
        "http_threads": threads,
        "http_in_flight_max": in_flight_max,
        "metrics_address": metrics_address,
        "log_format": log_format,
        "log_level": log_level,
    }
    from oms_http.settings import HttpSettings

    raise typer.Exit(_run(session, session.load(Settings, **flags), session.load(HttpSettings, **flags)))


def _run(session: Session, settings: Settings, http: HttpSettings) -> int:
    """Check what could prevent a start, then serve. What is imported here is loaded by no other command."""
    from oms_cli.processes.exposure import check_exposure
    from oms_cli.processes.logs import configure_logging
    from oms_cli.processes.metrics_listener import metrics_of_all_processes
    from oms_cli.processes.service_process import open_service, server_options
    from oms_http.server import free_address
    from oms_http.server import serve as serve_wsgi

    check_exposure(settings)
    options = server_options(settings, http)
    configure_logging(settings)
    try:
        free_address(options)  # A service that cannot start leaves the database as it is.
    except OSError as error:
        return report_address(error)
    database = _check_database(session, settings)
    _log.info("%s; %s of %d threads", database, counted(options.processes, "process"), options.threads)
    is_alone = urlsplit(settings.queue_url).scheme == "memory"
    _log.info("queued orders are placed by %s", "this service" if is_alone else "`oms worker`")
    try:
        with metrics_of_all_processes(http.metrics_address, options.processes) as metrics:
            announce = partial(_announce, settings, database=database, metrics=metrics)
            return serve_wsgi(partial(open_service, settings, http), options=options, on_ready=announce)
    except OSError as error:
        return report_address(error)


def _check_database(session: Session, settings: Settings) -> str:
    """Make or check the schema before any process is forked, and name the database."""
    from oms_cli.processes.service_process import is_embedded

    with session.surroundings.open_oms(settings, True) as oms:
        if is_embedded(settings):
            for name in oms.schema.upgrade():
                _log.info("applied migration %s", name)
        oms.check()
        _log_access(oms, settings)
        described = oms.describe()
        if settings.rate_limits_in_force:
            _log.info("%s", described.rate_limiter)
        if described.replica is not None:
            _log.info("lists are read from %s, up to %d s behind", described.replica, settings.replica_lag_seconds_max)
        return described.storage


def _log_access(oms: Oms, settings: Settings) -> None:
    """Say how callers are known, and how the first one gets in."""
    if settings.auth_in_force == "off":
        _log.info("authentication is off: whoever is on this machine may do everything")
    elif oms.api_keys.any():
        _log.info("callers bring API keys")
    elif urlsplit(settings.database_url).scheme == "memory":
        _log.warning("callers bring API keys, and no command can make one in memory://: nobody will be let in")
    else:
        _log.warning("callers bring API keys, and there is none yet: oms keys create NAME --scope admin")


def _announce(settings: Settings, url: str, *, database: str, metrics: MetricsListener | None) -> None:
    """Say that the service answers; runs on a thread of the server's parent process."""
    if metrics is not None:
        metrics.start()
    _log.info("ready on %s", url)
    with contextlib.suppress(OSError):  # Nobody has to read it.
        authorization = "" if settings.auth_in_force == "off" else ' -H "Authorization: Bearer $API_KEY"'
        welcome(
            url,
            database=database,
            metrics_url=metrics.url if metrics else f"{url}/metrics",
            authorization=authorization,
        )
