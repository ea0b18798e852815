"""TLS to PostgreSQL, RabbitMQ, NATS and Redis by URL, on real servers: verified, names too, and never plain instead."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg2
import pytest
from oms_limits import open_redis
from oms_nats import open_broker as open_nats
from oms_nats.addresses import read_address as read_nats_address
from oms_peewee.postgresql import open_postgresql
from oms_rabbitmq import open_broker
from oms_rabbitmq.addresses import read_addresses
from redis import Redis

from oms_core import OmsError
from oms_core.domain.rate_limits import RateLimit
from oms_core.ports.broker import BrokerOptions
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.rate_limiter import RateLimiterOptions
from oms_core.ports.storage import StorageOptions
from tests.services.certificates import HOST, Certificates, make_certificates
from tests.services.nats import PASSWORD
from tests.services.plugin import do_without
from tests.services.postgresql import PrivatePostgresql, installed_binaries
from tests.services.processes import ServerProcess
from tests.services.rabbitmq import PrivateRabbitmq
from tests.services.redis import private_redis
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port
from tests.services.unusable import ServerUnusable

Reach = Callable[..., None]


@pytest.fixture(scope="module")
def certificates(test_run: Run) -> Certificates:
    try:
        return make_certificates(test_run.new_folder("certificates"))
    except ServerUnusable as error:
        do_without(f"NO CERTIFICATES: {error}")


@pytest.fixture(scope="module")
def postgresql(test_run: Run, certificates: Certificates) -> Iterator[int]:
    """The port of a server that speaks TLS to whoever asks for it."""
    try:
        server = PrivatePostgresql(test_run, installed_binaries(), certificate=certificates.server)
        server.start()
    except ServerUnusable as error:
        do_without(f"NO PRIVATE POSTGRESQL WITH TLS: {error}")
    yield urlsplit(server.url).port or 0
    server.discard()


@pytest.fixture(scope="module")
def rabbitmq(private_rabbitmq: Callable[..., PrivateRabbitmq], certificates: Certificates) -> tuple[int, int]:
    """The ports of a broker for TLS, where it asks for a certificate, and for plain connections."""
    port = free_port()
    certificate, key = certificates.server
    options = (
        f'{{cacertfile,"{certificates.authority}"}},{{certfile,"{certificate}"}},{{keyfile,"{key}"}},'
        "{verify,verify_peer},{fail_if_no_peer_cert,true}"
    )
    listener = f'{{ssl_listeners,[{{"{LOOPBACK}",{port}}}]}},{{ssl_options,[{options}]}}'
    broker = private_rabbitmq(advanced=f"[{{rabbit,[{listener}]}}].")
    return port, urlsplit(broker.url).port or 0


@pytest.fixture(scope="module")
def redis(test_run: Run, certificates: Certificates) -> Iterator[tuple[int, int]]:
    """The ports of a server for TLS, where it asks for a certificate, and for plain connections."""
    port = free_port()
    certificate, key = map(str, certificates.server)
    files = ("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", str(certificates.authority))
    try:
        server = private_redis(test_run, "--tls-port", str(port), "--tls-auth-clients", "yes", *files)
        server.start()
    except ServerUnusable as error:
        do_without(f"NO PRIVATE REDIS WITH TLS: {error}")
    yield port, urlsplit(server.url).port or 0
    server.stop()


def reach_postgresql(port: int, host: str = HOST, **query: object) -> None:
    url = f"postgresql://postgres@{host}:{port}/postgres?{urlencode(query)}"
    storage = open_postgresql(url, StorageOptions(deadline_seconds=1))
    try:
        storage.schema.status()
    finally:
        storage.close()


def reach_rabbitmq(port: int, host: str = HOST, **query: object) -> None:
    queue = open_broker(f"amqps://guest:guest@{host}:{port}/?{urlencode(query)}", BrokerOptions())
    try:
        queue.check()
    finally:
        queue.close()


def reach_redis(port: int, host: str = HOST, **query: object) -> bool:
    """Tell whether units were taken at the server, and not in memory."""
    options = RateLimiterOptions(metrics=NoMetrics(), timeout_seconds=2)
    limiter = open_redis(f"rediss://{host}:{port}/0?{urlencode(query)}", options)
    limiter.take(RateLimit(policy="default", count=9, window_seconds=60), "tls", cost=1)
    is_reached = not limiter.is_degraded()
    limiter.close()
    return is_reached


def one_line(work: Reach, *arguments: object, **given: object) -> str:
    """Expect a failure, and give what is told of it: a line."""
    with pytest.raises(OmsError) as caught:
        work(*arguments, **given)
    assert "\n" not in caught.value.detail
    return caught.value.detail


def test_postgresql_is_reached_by_tls_with_its_authority(postgresql: int, certificates: Certificates) -> None:
    reach_postgresql(postgresql, sslmode="verify-full", sslrootcert=certificates.authority)
    url = f"postgresql://postgres@{HOST}:{postgresql}/postgres?sslmode=verify-full&sslrootcert={certificates.authority}"
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert cursor.fetchone() == (True,)
    connection.close()


def test_postgresql_is_refused_with_another_authority(postgresql: int, certificates: Certificates) -> None:
    told = one_line(reach_postgresql, postgresql, sslmode="verify-full", sslrootcert=certificates.stranger)
    assert "certificate verify failed" in told


def test_postgresql_is_refused_under_another_name(postgresql: int, certificates: Certificates) -> None:
    told = one_line(reach_postgresql, postgresql, LOOPBACK, sslmode="verify-full", sslrootcert=certificates.authority)
    assert "does not match host name" in told


def test_postgresql_without_tls_is_refused(
    private_postgresql: Callable[[], PrivatePostgresql], certificates: Certificates
) -> None:
    port = urlsplit(private_postgresql().url).port
    told = one_line(reach_postgresql, port, sslmode="verify-full", sslrootcert=certificates.authority)
    assert "server does not support SSL" in told


def with_client(certificates: Certificates, authority: Path) -> dict[str, Any]:
    certificate, key = certificates.client
    return {"cafile": authority, "certfile": certificate, "keyfile": key}


def test_rabbitmq_is_reached_with_its_authority_and_a_certificate(
    rabbitmq: tuple[int, int], certificates: Certificates
) -> None:
    reach_rabbitmq(rabbitmq[0], **with_client(certificates, certificates.authority))


def test_rabbitmq_is_refused_with_another_authority(rabbitmq: tuple[int, int], certificates: Certificates) -> None:
    told = one_line(reach_rabbitmq, rabbitmq[0], **with_client(certificates, certificates.stranger))
    assert "certificate verify failed" in told


def test_rabbitmq_is_refused_under_another_name(rabbitmq: tuple[int, int], certificates: Certificates) -> None:
    told = one_line(reach_rabbitmq, rabbitmq[0], LOOPBACK, **with_client(certificates, certificates.authority))
    assert "IP address mismatch" in told


def test_rabbitmq_refuses_whoever_shows_no_certificate(rabbitmq: tuple[int, int], certificates: Certificates) -> None:
    assert one_line(reach_rabbitmq, rabbitmq[0], cafile=certificates.authority)


def test_rabbitmq_without_tls_is_refused(rabbitmq: tuple[int, int], certificates: Certificates) -> None:
    assert one_line(reach_rabbitmq, rabbitmq[1], cafile=certificates.authority)


@pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS is deprecated")
@pytest.mark.parametrize(
    "query",
    [
        "cafile=/nowhere/authority.pem",
        "certfile=/nowhere/client.pem",
        "keyfile=/nowhere/client.key",
        "ssl_options={'protocol':2,'cafile':'AUTHORITY'}",
        "cafile=AUTHORITY&ssl_options={'cafile':'AUTHORITY'}",
    ],
)
def test_what_would_go_unverified_is_a_wrong_setting(certificates: Certificates, query: str) -> None:
    query = query.replace("AUTHORITY", str(certificates.authority))
    for scheme in ("amqps", "amqp"):
        with pytest.raises(OmsError, match="invalid_setting: OMS_QUEUE_URL must"):
            read_addresses(f"{scheme}://ann:s3cret@broker/?{query}")


def test_the_systems_authorities_are_trusted_where_none_is_named() -> None:
    options = read_addresses("amqps://broker/")[0].parameters("inbox").ssl_options
    assert options is not None
    assert options.context.verify_mode is ssl.CERT_REQUIRED


def redis_files(certificates: Certificates, authority: Path) -> dict[str, Any]:
    certificate, key = certificates.client
    return {"ssl_ca_certs": authority, "ssl_certfile": certificate, "ssl_keyfile": key}


def test_redis_is_reached_with_its_authority_and_a_certificate(
    redis: tuple[int, int], certificates: Certificates
) -> None:
    assert reach_redis(redis[0], **redis_files(certificates, certificates.authority))
    assert Redis(host=LOOPBACK, port=redis[1]).keys("*tls*"), "it counted there"


@pytest.mark.parametrize("wrong", ["certificate verify failed", "IP address mismatch"])
def test_redis_is_left_alone_when_it_is_not_who_it_should_be(
    redis: tuple[int, int], certificates: Certificates, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    if wrong == "IP address mismatch":
        is_reached = reach_redis(redis[0], LOOPBACK, **redis_files(certificates, certificates.authority))
    else:
        is_reached = reach_redis(redis[0], **redis_files(certificates, certificates.stranger))
    assert not is_reached
    (told,) = {record.getMessage() for record in caplog.records}
    assert wrong in told
    assert "\n" not in told


def test_redis_is_never_spoken_to_in_plain_text_instead(redis: tuple[int, int], certificates: Certificates) -> None:
    assert not reach_redis(redis[1], **redis_files(certificates, certificates.authority))


@pytest.fixture(scope="module")
def nats(start_nats: Callable[..., ServerProcess], certificates: Certificates) -> tuple[int, int]:
    """The ports of a server that asks for TLS and a certificate, and of one for plain connections."""
    certificate, key = certificates.server
    files = f'cert_file: "{certificate}", key_file: "{key}", ca_file: "{certificates.authority}"'
    encrypted = start_nats(f"tls {{ {files}, verify: true }}", is_alone=False)
    return urlsplit(encrypted.url).port or 0, urlsplit(start_nats().url).port or 0


def reach_nats(port: int, host: str = HOST, scheme: str = "tls", **query: object) -> None:
    queue = open_nats(f"{scheme}://oms:{PASSWORD}@{host}:{port}/?{urlencode(query)}", BrokerOptions())
    try:
        queue.check()
        queue.dead_letters().list(limit=1)
    finally:
        queue.close()


def test_nats_is_reached_with_its_authority_and_a_certificate(
    nats: tuple[int, int], certificates: Certificates
) -> None:
    reach_nats(nats[0], **with_client(certificates, certificates.authority))


def test_nats_is_refused_with_another_authority(nats: tuple[int, int], certificates: Certificates) -> None:
    told = one_line(reach_nats, nats[0], **with_client(certificates, certificates.stranger))
    assert "certificate verify failed" in told


def test_nats_is_refused_under_another_name(nats: tuple[int, int], certificates: Certificates) -> None:
    told = one_line(reach_nats, nats[0], LOOPBACK, **with_client(certificates, certificates.authority))
    assert "IP address mismatch" in told


def test_nats_refuses_whoever_shows_no_certificate(nats: tuple[int, int], certificates: Certificates) -> None:
    assert one_line(reach_nats, nats[0], cafile=certificates.authority)


def test_nats_that_wants_tls_is_verified_also_where_the_url_does_not_say_so(nats: tuple[int, int]) -> None:
    assert "certificate verify failed" in one_line(reach_nats, nats[0], scheme="nats")


def test_nats_without_tls_never_hears_the_password(
    nats: tuple[int, int], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = one_line(reach_nats, nats[1], cafile=certificates.authority)
    assert "it offers no TLS" in told
    with closing(socket.create_server((LOOPBACK, 0))) as pretender:
        thread = threading.Thread(target=one_line, args=(reach_nats, pretender.getsockname()[1]))
        thread.start()
        connection, _ = pretender.accept()
        with connection:
            connection.sendall(b'INFO {"server_id":"x","version":"2.9.10","headers":true,"max_payload":1048576}\r\n')
            assert not connection.recv(1_000)
        thread.join()


def test_nats_names_a_certificate_that_is_not_there(certificates: Certificates) -> None:
    for query in ("cafile=/nowhere/authority.pem", "certfile=/nowhere/client.pem", "keyfile=/nowhere/client.key"):
        with pytest.raises(OmsError, match="invalid_setting: OMS_QUEUE_URL must"):
            read_nats_address(f"tls://ann:s3cret@broker/?{query}")
