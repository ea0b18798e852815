"""Certificates made for one run by the openssl command: an authority, a server that it vouches for, and a stranger."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.services.unusable import ServerUnusable

HOST = "localhost"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


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


def _make(certificate: Path, *options: str) -> None:
    key = certificate.with_suffix(".key")
    command = ["openssl", "req", "-x509", *_NEW_KEY, "-keyout", str(key), "-out", str(certificate), *options]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise ServerUnusable("openssl is not installed") from error
    except subprocess.CalledProcessError as error:
        raise ServerUnusable(f"openssl failed: {error.stderr}") from error
