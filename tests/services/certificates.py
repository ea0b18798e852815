"""Certificates made for one run by the openssl command: signed by themselves, by an authority, and by a stranger."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.services.unusable import ServerUnusable

HOST = "localhost"
MAKING_SECONDS = 30
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A self-signed certificate for localhost and both loopback addresses, and its private key, both in PEM."""

    path: Path
    key: Path

    @property
    def files(self) -> list[str]:
        """Give both paths as text: the certificate, then the key."""
        return [str(self.path), str(self.key)]

    def trusting(self) -> ssl.SSLContext:
        """Make the context of a client that trusts this certificate and no other."""
        return ssl.create_default_context(cafile=self.path)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of PEM files. The server's certificate is for the name `localhost` alone, not for its address."""

    folder: Path

    @property
    def authority(self) -> Path:
        """Whom a client should trust."""
        return self.folder / "authority.pem"

    @property
    def stranger(self) -> Path:
        """An authority that has vouched for nobody here."""
        return self.folder / "stranger.pem"

    @property
    def server(self) -> tuple[Path, Path]:
        """The server's certificate and key."""
        return self.folder / "server.pem", self.folder / "server.key"

    @property
    def client(self) -> tuple[Path, Path]:
        """A client's certificate and key, of the same authority."""
        return self.folder / "client.pem", self.folder / "client.key"


def make_certificate(folder: Path, name: str = HOST) -> Certificate:
    """Make `name`.crt and `name`.key. Raises ServerUnusable where openssl is missing or too old."""
    made = Certificate(path=folder / f"{name}.crt", key=folder / f"{name}.key")
    _make(made.path, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1,IP:::1")
    return made


def make_certificates(folder: Path) -> Certificates:
    """Make them. Raises ServerUnusable where openssl is missing or too old."""
    made = Certificates(folder)
    for authority in (made.authority, made.stranger):
        _make(authority, "-subj", f"/CN={authority.stem}")
    signed = ("-CA", str(made.authority), "-CAkey", str(made.authority.with_suffix(".key")))
    leaf = ("-addext", "basicConstraints=critical,CA:FALSE")
    _make(made.server[0], *signed, *leaf, "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
    _make(made.client[0], *signed, *leaf, "-subj", "/CN=postgres")
    return made


def openssl(*arguments: str) -> None:
    """Run the openssl command. Raises ServerUnusable if it is not there or refuses."""
    program = shutil.which("openssl")
    if program is None:
        raise ServerUnusable("the openssl command is not installed")
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=MAKING_SECONDS, check=False)
    if ran.returncode:
        raise ServerUnusable(f"openssl {arguments[0]}: {ran.stderr.strip()}")


def _make(certificate: Path, *options: str) -> None:
    openssl(
        *("req", "-x509", *_NEW_KEY, "-keyout", str(certificate.with_suffix(".key"))),
        *("-out", str(certificate), *options),
    )
