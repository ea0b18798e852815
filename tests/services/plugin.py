"""What pytest sees of the servers: the lines at its start, and the fixtures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.services.certificates import Certificate, make_certificate
from tests.services.citus import CitusCluster, citus_url
from tests.services.databases import PostgresqlServer
from tests.services.finding import Finding, How, find, services
from tests.services.nats import private_nats
from tests.services.postgresql import PrivatePostgresql
from tests.services.processes import PrivateServer, ServerProcess
from tests.services.rabbitmq import PrivateRabbitmq
from tests.services.run import Run, new_run
from tests.services.unusable import ServerUnusable
from tests.services.wheels import ROOT, build_wheel, create_bare_environment

RUN = pytest.StashKey[Run]()
FINDINGS = pytest.StashKey[dict[str, Finding]]()
ENDING = pytest.StashKey[ExitStack]()
STARTED = pytest.StashKey[list[PrivateServer]]()


def pytest_configure(config: pytest.Config) -> None:
    """Find the servers once for a run; xdist's workers are told by their controller."""
    config.stash[STARTED] = []
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    if told is not None:
        config.stash[RUN] = Run(prefix=told["prefix"], process=told["workerid"], folder=Path(told["folder"]))
        config.stash[FINDINGS] = {
            row["service"]: Finding(**{**row, "how": How(row["how"])}) for row in told["findings"]
        }
        return
    config.stash[ENDING] = ExitStack()
    run = config.stash[RUN] = config.stash[ENDING].enter_context(new_run())
    try:
        config.stash[FINDINGS] = {service.name: find(service, os.environ) for service in services()}
    except ServerUnusable as error:
        raise pytest.UsageError(str(error)) from error
    if url := config.stash[FINDINGS]["PostgreSQL"].url:
        PostgresqlServer(url=url, run=run).drop_leftovers()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist what its controller has found; only plain values travel."""
    run, findings = node.config.stash[RUN], node.config.stash[FINDINGS].values()
    rows = [{**asdict(finding), "how": finding.how.value} for finding in findings]
    node.workerinput.update(prefix=run.prefix, folder=str(run.folder), findings=rows)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which servers the tests use."""
    return [finding.describe() for finding in config.stash[FINDINGS].values()]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the private servers; in a worker there is nothing to do, the others may still need them."""
    if ENDING in config.stash:
        config.stash[ENDING].close()


def do_without(reason: str) -> NoReturn:
    """Skip the test on a developer's machine, where not everything is at hand; fail it where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (with CI=true nothing may be missing)", pytrace=False)
    pytest.skip(reason)


def _url(config: pytest.Config, name: str) -> str:
    """Give the URL of a service, whose private server is started by whoever is first to need it."""
    finding, run = config.stash[FINDINGS][name], config.stash[RUN]
    if finding.how is How.NONE:
        do_without(f"NOT TESTED WITH {name}: {finding.reason}")
    if finding.how is not How.PRIVATE:
        return finding.url
    (service,) = (service for service in services() if service.name == name)

    def start() -> str:
        server = service.private(run)
        config.stash[STARTED].append(server)  # A process object that is dropped complains.
        server.start()
        return server.url

    try:
        return run.once(name, start)
    except ServerUnusable as error:
        do_without(f"NOT TESTED WITH {name}: {error}")


@pytest.fixture(scope="session")
def test_run(pytestconfig: pytest.Config) -> Run:
    """The run that this process is part of."""
    return pytestconfig.stash[RUN]


@pytest.fixture(scope="session")
def postgresql_server(pytestconfig: pytest.Config) -> PostgresqlServer:
    """The PostgreSQL server of the run: its `database(template)` is a context manager that gives a URL."""
    return PostgresqlServer(url=_url(pytestconfig, "PostgreSQL"), run=pytestconfig.stash[RUN])


@pytest.fixture(scope="session")
def postgresql_template() -> str | None:
    """Name the database that `postgresql_url` copies; none here, a folder's conftest overrides it."""
    return None


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer, postgresql_template: str | None) -> Iterator[str]:
    """The URL of a database that belongs to this test alone."""
    with postgresql_server.database(postgresql_template) as url:
        yield url


@pytest.fixture(scope="session")
def citus_cluster(test_run: Run) -> CitusCluster:
    """The Citus cluster that OMS_TEST_CITUS_URL names: its `database()` makes a cell for one test."""
    return CitusCluster(url=citus_url(), run=test_run)


@pytest.fixture
def citus_cell_url(citus_cluster: CitusCluster) -> Iterator[str]:
    """The URL of a cell that belongs to this test alone."""
    with citus_cluster.database() as url:
        yield url


@pytest.fixture
def private_postgresql(test_run: Run) -> Iterator[Callable[[], PrivatePostgresql]]:
    """Start PostgreSQL servers that the test may kill, stop and start again; each takes about a second."""
    with ExitStack() as servers:

        def start() -> PrivatePostgresql:
            try:
                server = PrivatePostgresql(test_run)
                servers.callback(server.discard)
                server.start()
            except ServerUnusable as error:
                do_without(f"NO PRIVATE POSTGRESQL: {error}")
            return server

        yield start


@pytest.fixture(scope="session")
def rabbitmq_url(pytestconfig: pytest.Config) -> str:
    """The URL of the run's broker, shared: name what you declare with `unique_name`, and delete it."""
    return _url(pytestconfig, "RabbitMQ")


@pytest.fixture(scope="module")
def private_rabbitmq(test_run: Run) -> Iterator[Callable[..., PrivateRabbitmq]]:
    """Start brokers that the module's tests may kill, freeze and start again; each takes some five seconds.

    `advanced` is the broker's advanced.config, Erlang terms.
    """
    with ExitStack() as servers:

        def start(*, advanced: str = "[].") -> PrivateRabbitmq:
            try:
                server = PrivateRabbitmq(test_run, advanced=advanced)
                servers.callback(server.discard)
                server.start()
            except ServerUnusable as error:
                do_without(f"NO PRIVATE RABBITMQ: {error}")
            return server

        yield start


@pytest.fixture(scope="session")
def nats_url(pytestconfig: pytest.Config) -> str:
    """The URL of the run's NATS server, shared: begin every name with `unique_name`, and delete what you declare."""
    return _url(pytestconfig, "NATS")


@pytest.fixture(scope="module")
def start_nats(test_run: Run) -> Iterator[Callable[..., ServerProcess]]:
    """Start NATS servers that the module's tests may kill, freeze and start again; each takes a fraction of a second.

    What is given are further lines of the server's configuration.
    """
    with ExitStack() as servers:

        def start(*lines: str, **choices: Any) -> ServerProcess:
            try:
                server = private_nats(test_run, *lines, **choices)
                servers.callback(server.kill)
                server.start()
            except ServerUnusable as error:
                do_without(f"NO PRIVATE NATS: {error}")
            return server

        yield start


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """The URL of the run's Redis, shared: begin every key with `unique_name`, and never flush."""
    return _url(pytestconfig, "Redis")


@pytest.fixture
def unique_name(test_run: Run) -> str:
    """A name that no other test, process or run uses, for what lives on a shared server."""
    return test_run.unique_name()


@pytest.fixture(scope="session")
def wheel(test_run: Run) -> Path:
    """The project's wheel, built from this checkout, once for the run."""
    return Path(test_run.once("wheel", lambda: build_wheel(test_run.new_folder("wheel"))))


@pytest.fixture(scope="session")
def bare_venv(test_run: Run, wheel: Path) -> Path:
    """A virtual environment that holds the wheel and nothing else; its Python is at bin/python."""
    return Path(test_run.once("bare", lambda: create_bare_environment(test_run.new_folder("bare"), wheel)))


@pytest.fixture(scope="session")
def newman() -> Path:
    """The locked newman, which `make newman` installs."""
    program = ROOT / "postman" / "node_modules" / ".bin" / "newman"
    if not program.exists():
        do_without("POSTMAN COLLECTION NOT RUN: newman is missing; with Node installed, `make newman`")
    return program


@pytest.fixture(scope="session")
def typescript() -> Path:
    """The locked packages that make types for TypeScript from OpenAPI, which `make clients` installs."""
    folder = ROOT / "tests" / "system" / "clients" / "typescript" / "node_modules"
    if not (folder / ".installed").exists():
        do_without("NO TYPESCRIPT CLIENT: its generator is missing; with Node installed, `make clients`")
    return folder


@pytest.fixture(scope="session")
def client_python() -> Path:
    """The Python of the environment that makes Python clients from OpenAPI, which `make clients` fills."""
    folder = ROOT / ".venv" / "clients"
    if not (folder / ".installed").exists():
        do_without("NO PYTHON CLIENT: its generator is missing; `make clients`")
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def certificate(test_run: Run) -> Certificate:
    """A certificate for localhost that nobody but its own tests trusts, and its key."""
    try:
        return make_certificate(test_run.new_folder("certificate"))
    except ServerUnusable as error:
        do_without(f"NOT TESTED WITH TLS: {error}")
