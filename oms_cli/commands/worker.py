"""`oms worker`: processes that place the queued orders."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from oms_cli.commands.command import command
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import WHOLE_NUMBER, WholeNumber
from oms_cli.terminal.exits import report_address, usage_error
from oms_cli.terminal.messages import counted, say
from oms_core.errors import OmsError
from oms_core.settings import Settings

if TYPE_CHECKING:
    from oms_cli.processes.metrics_listener import MetricsListener
    from oms_core import Oms

_BROKER_CONNECTIONS_EACH = 3  # The inbox, dead-lettering, and announcing accepted commands.

_log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add `worker` to the program."""
    command(app, "worker", without=frozenset({"output", "actor"}))(work)


def work(
    session: Session,
    *,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            metavar="N",
            parser=WholeNumber(lowest=1, highest=64),
            help="Processes that place orders; 1 on SQLite.",
        ),
    ] = 1,
    batch_max: Annotated[
        int | None,
        typer.Option("--batch-max", metavar="N", parser=WHOLE_NUMBER, help="Orders per transaction, at most 500."),
    ] = None,
    metrics_address: Annotated[
        str | None, typer.Option("--metrics-address", metavar="HOST:PORT", help="Serve /metrics there.")
    ] = None,
    log_format: Annotated[str | None, typer.Option("--log-format", metavar="text|json", help="Of stderr.")] = None,
    log_level: Annotated[str | None, typer.Option("--log-level", metavar="L", help="From which level.")] = None,
) -> None:
    """Place queued orders until Ctrl-C or SIGTERM, which let the batch in hand finish.

    A second signal ends it at once: what was in hand comes to another worker. At a broker it also publishes events.
    """
    settings = session.load(Settings, worker_batch_max=batch_max, log_format=log_format, log_level=log_level)
    raise typer.Exit(_run(session, settings, processes, metrics_address or ""))


def _run(session: Session, settings: Settings, processes: int, metrics_address: str) -> int:
    from oms_cli.processes.logs import configure_logging
    from oms_cli.processes.metrics_listener import metrics_of_all_processes
    from oms_cli.processes.worker_process import Role
    from oms_cli.processes.worker_processes import WorkerProcesses

    _check_processes(settings, processes)
    configure_logging(settings)
    with session.surroundings.open_oms(settings, False) as oms:
        oms.check()
        roles = [Role.WORKER] * processes + ([Role.EVENT_RELAY] if oms.describe().broker else [])
        _describe(oms, processes, len(roles))
    try:
        with metrics_of_all_processes(metrics_address, 1) as metrics:
            parent = WorkerProcesses(settings, roles, is_measured=metrics is not None)
            return parent.run(partial(_announce, processes, metrics))
    except OSError as error:
        return report_address(error)


def _check_processes(settings: Settings, processes: int) -> None:
    scheme = urlsplit(settings.database_url).scheme
    if scheme == "memory":
        raise OmsError("invalid_setting", "OMS_DATABASE_URL: memory:// is seen by one process only, not by a worker")
    if scheme == "sqlite" and processes > 1:
        usage_error(f"--processes: one process writes to sqlite:// at a time, so one places orders; it is {processes}")


def _describe(oms: Oms, workers: int, processes: int) -> None:
    """Log what is worked on, and what that needs there."""
    described = oms.describe()
    _log.info("database %s; %s", described.storage, counted(processes, "connection"))
    if described.broker:
        needed = counted(_BROKER_CONNECTIONS_EACH * workers + 1, "connection")
        _log.info("broker %s; up to %s", described.broker, needed)
        try:
            oms.queue.check()
        except OmsError as error:
            _log.warning("the broker is away, the database is polled until it is back: %s", error.detail)
    else:
        _log.info("no broker: the database is polled")
    batch = counted(oms.settings.worker_batch_max, "order")
    _log.info("%s, up to %s to a batch", counted(workers, "worker process"), batch)


def _announce(processes: int, metrics: MetricsListener | None) -> None:
    """Say that orders are being placed."""
    if metrics is not None:
        metrics.start()
        _log.info("metrics on %s", metrics.url)
    say(f"OMS places queued orders: {counted(processes, 'worker process')}; Ctrl-C stops")
