"""`oms serve` over TLS: what it says, and what stops its start."""

from __future__ import annotations

import contextlib
import http.client
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.programs import Program
from tests.cli.serving import serving
from tests.services.certificates import Certificate, make_certificate, openssl
from tests.services.tcp import LOOPBACK


def test_it_answers_over_tls_and_says_so(tmp_path: Path, certificate: Certificate) -> None:
    program = Program(folder=tmp_path, database_url="memory://")
    with serving(program, "--tls-certificate", str(certificate.path), "--tls-key", str(certificate.key)) as service:
        url = f"https://127.0.0.1:{service.port}"
        assert service.out.startswith(f"OMS answers on {url}\n")
        assert f"ready on {url}\n" in service.log
        with contextlib.closing(
            http.client.HTTPSConnection(LOOPBACK, service.port, timeout=20, context=certificate.trusting())
        ) as connection:
            connection.request("GET", "/v1/orders")
            answer = connection.getresponse()
            assert (answer.status, answer.headers["Strict-Transport-Security"]) == (200, "max-age=31536000")
            answer.read()
            connection.request("GET", "/v1/orders", headers={"Origin": f"https://127.0.0.1:{service.port}"})
            assert connection.getresponse().status == 200, "the origin of its own page"


def refusal(cli: Cli, certificate: object, key: object) -> str:
    """Give what `oms serve` says of these files, in one line."""
    ran = cli("serve", "--tls-certificate", str(certificate), "--tls-key", str(key))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    return ran.err.removeprefix("error: invalid_setting: ").strip()


def test_one_file_without_the_other_is_one_line(cli: Cli, certificate: Certificate) -> None:
    assert refusal(cli, certificate.path, "") == "OMS_TLS_KEY must be set too, as OMS_TLS_CERTIFICATE is"
    assert refusal(cli, "", certificate.key) == "OMS_TLS_CERTIFICATE must be set too, as OMS_TLS_KEY is"


def test_a_file_that_is_not_there_is_one_line(cli: Cli, certificate: Certificate, tmp_path: Path) -> None:
    none = tmp_path / "none.pem"
    assert refusal(cli, none, certificate.key) == f"OMS_TLS_CERTIFICATE: there is no file {none}"
    assert refusal(cli, certificate.path, none) == f"OMS_TLS_KEY: there is no file {none}"


def test_a_file_that_cannot_be_read_is_one_line(cli: Cli, certificate: Certificate, tmp_path: Path) -> None:
    assert refusal(cli, certificate.path, tmp_path) == f"OMS_TLS_KEY: {tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_is_something_else_is_one_line(
    cli: Cli, certificate: Certificate, tmp_path: Path, content: bytes
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(content)
    assert refusal(cli, other, certificate.key) == f"OMS_TLS_CERTIFICATE: {other} holds no certificate in PEM"
    assert refusal(cli, certificate.path, other) == f"OMS_TLS_KEY: {other} holds no private key in PEM"


def test_a_key_of_another_certificate_is_one_line(cli: Cli, certificate: Certificate, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other")
    openssl("genrsa", "-out", str(tmp_path / "rsa.key"), "2048")
    for key in (other.key, tmp_path / "rsa.key"):
        assert refusal(cli, certificate.path, key) == f"OMS_TLS_KEY: {key} is not the certificate's key"


def test_a_key_with_a_password_is_one_line(cli: Cli, certificate: Certificate, tmp_path: Path) -> None:
    locked = tmp_path / "locked.key"
    openssl("pkcs8", "-topk8", "-in", str(certificate.key), "-out", str(locked), "-passout", "pass:secret")
    assert refusal(cli, certificate.path, locked).startswith(f"OMS_TLS_KEY: {locked} is encrypted; ")


def test_a_certificate_of_the_first_version_is_one_line(cli: Cli, certificate: Certificate, tmp_path: Path) -> None:
    request, old = tmp_path / "old.csr", tmp_path / "old.crt"
    openssl("req", "-new", "-key", str(certificate.key), "-subj", "/CN=localhost", "-out", str(request))
    openssl("x509", "-req", "-in", str(request), "-signkey", str(certificate.key), "-out", str(old))
    assert "version 1" in refusal(cli, old, certificate.key)
