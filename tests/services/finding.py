"""Decide which servers a run uses: the one named, else one at the standard port, else a private one, else none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from tests.services import nats, postgresql, rabbitmq, redis
from tests.services.processes import PrivateServer
from tests.services.run import Run
from tests.services.unusable import ServerUnusable

# Set to anything, it leaves the servers at the standard ports alone: the run starts its own.
PRIVATE_VARIABLE = "OMS_TEST_PRIVATE_SERVERS"


class How(StrEnum):
    """Where a server comes from."""

    NAMED = "named"
    STANDARD = "standard"
    PRIVATE = "private"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A kind of server: the variable that names one, where one usually listens, how to try and to start one.

    `check` takes a URL, `programs` names what a private server would be started from; both raise ServerUnusable.
    """

    name: str
    variable: str
    standard_urls: Sequence[str]
    check: Callable[[str], object]
    programs: Callable[[], str]
    private: Callable[[Run], PrivateServer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found for a service; `url` is empty for a private server, which is started on first use."""

    service: str
    how: How
    url: str = ""
    reason: str = ""

    def describe(self) -> str:
        """Say in one line, without a password, which server is used and why."""
        match self.how:
            case How.PRIVATE:
                return f"{self.service}: a private one, started on first use ({self.reason})"
            case How.NONE:
                return f"{self.service}: NONE, its tests do not run ({self.reason})"
            case _:
                address = urlsplit(self.url)
                return f"{self.service}: {address.hostname}:{address.port or 'standard port'} ({self.reason})"


def services() -> list[Service]:
    """List what the tests can use."""
    return [
        Service(
            name="PostgreSQL",
            variable="OMS_TEST_POSTGRESQL_URL",
            standard_urls=postgresql.standard_urls(),
            check=postgresql.check,
            programs=lambda: str(postgresql.binaries().folder),
            private=postgresql.PrivatePostgresql,
        ),
        Service(
            name="RabbitMQ",
            variable="OMS_TEST_RABBITMQ_URL",
            standard_urls=[rabbitmq.STANDARD_URL],
            check=rabbitmq.check,
            programs=rabbitmq.binary,
            private=rabbitmq.PrivateRabbitmq,
        ),
        Service(
            name="NATS",
            variable="OMS_TEST_NATS_URL",
            standard_urls=[nats.STANDARD_URL],
            check=nats.check,
            programs=nats.binary,
            private=nats.private_nats,
        ),
        Service(
            name="Redis",
            variable="OMS_TEST_REDIS_URL",
            standard_urls=[redis.STANDARD_URL],
            check=redis.check,
            programs=redis.binary,
            private=redis.private_redis,
        ),
    ]


def find(service: Service, environment: Mapping[str, str]) -> Finding:
    """Find a server. Raises ServerUnusable only when the environment names one that does not do."""
    if url := environment.get(service.variable):
        return _named(service, url)
    if environment.get(PRIVATE_VARIABLE):
        return _private(service, f"{PRIVATE_VARIABLE} is set")
    return _standard(service)


def _named(service: Service, url: str) -> Finding:
    try:
        service.check(url)
    except ServerUnusable as error:
        raise ServerUnusable(f"{service.variable} names a server that cannot be used: {error}") from error
    return Finding(service=service.name, how=How.NAMED, url=url, reason=f"named by {service.variable}")


def _standard(service: Service) -> Finding:
    reason = "no standard address is known"
    for url in service.standard_urls:
        try:
            service.check(url)
        except ServerUnusable as error:
            reason = str(error)
        else:
            return Finding(service=service.name, how=How.STANDARD, url=url, reason="it was there")
    return _private(service, reason)


def _private(service: Service, reason: str) -> Finding:
    try:
        programs = service.programs()
    except ServerUnusable as error:
        return Finding(service=service.name, how=How.NONE, reason=f"{reason}; {error}")
    return Finding(service=service.name, how=How.PRIVATE, reason=f"{reason}; from {programs}")
