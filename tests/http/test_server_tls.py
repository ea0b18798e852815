"""HTTPS from the server itself: which versions it speaks, what it tells, and that it stops in order."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.server_process import STOPPING_SECONDS, ToyServer, answer_on, request, running
from tests.services.certificates import Certificate
from tests.services.tcp import LOOPBACK
from tests.services.waiting import wait_until

HSTS = "strict-transport-security"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[ToyServer]:
    with running(tmp_path_factory.mktemp("server"), threads=2, tls=certificate) as toy:
        yield toy


def test_the_application_is_told_of_tls(server: ToyServer) -> None:
    assert server.said(f"READY https://127.0.0.1:{server.port}")
    answer = server.ask("/a", method="POST", body=b"x" * 100_000)
    assert (answer.json["wsgi.url_scheme"], answer.json["received"]) == ("https", 100_000)


def test_what_the_server_refuses_itself_tells_browsers_to_stay_with_tls(server: ToyServer) -> None:
    answer = server.ask("/", method="POST", body=b"x" * 1_100_000)
    assert (answer.status, answer.headers[HSTS]) == (413, "max-age=31536000")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_from_1_2_on_is_spoken(server: ToyServer, certificate: Certificate, version: ssl.TLSVersion) -> None:
    context = certificate.trusting()
    context.minimum_version = context.maximum_version = version
    with context.wrap_socket(server.reach(), server_hostname=LOOPBACK) as connection:
        connection.sendall(request("/"))
        assert answer_on(connection).status == 200
        assert connection.version() == version.name.replace("_", ".")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_older_versions_and_weak_ciphers_are_not(server: ToyServer, certificate: Certificate) -> None:
    old = certificate.trusting()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    weak = certificate.trusting()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("AES128-SHA:AES256-SHA:AES128-GCM-SHA256")  # Without forward secrecy.
    for context in (old, weak):
        with server.reach() as connection, pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(connection, server_hostname=LOOPBACK).close()


def test_it_speaks_http_1_1_alone_whatever_is_offered(server: ToyServer, certificate: Certificate) -> None:
    context = certificate.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(server.reach(), server_hostname=LOOPBACK) as connection:
        assert connection.selected_alpn_protocol() in {"http/1.1", None}
        connection.sendall(request("/"))
        assert answer_on(connection).json["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_a_stop_finishes_what_is_in_flight(certificate: Certificate, tmp_path: Path) -> None:
    with running(tmp_path, threads=1, tls=certificate) as server, server.connect() as connection:
        connection.sendall(request("/", method="POST", fields="Content-Length: 1\r\nExpect: 100-continue\r\n"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        server.process.terminate()
        wait_until(server.is_refusing, STOPPING_SECONDS, "it stops")
        connection.sendall(b"x")
        assert answer_on(connection).json["received"] == 1
        assert server.process.wait(STOPPING_SECONDS) == 0
        assert server.said("CLOSED")
