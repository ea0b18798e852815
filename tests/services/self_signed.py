"""A self-signed certificate for the HTTP service itself, made by the openssl command."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.services.unusable import ServerUnusable

MAKING_SECONDS = 30


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


def make_certificate(folder: Path, name: str = "localhost") -> Certificate:
    """Make `name`.crt and `name`.key. Raises ServerUnusable without openssl."""
    made = Certificate(path=folder / f"{name}.crt", key=folder / f"{name}.key")
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-keyout", str(made.key), "-out", str(made.path), "-subj", f"/CN={name}"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"),
    )
    return made


def openssl(*arguments: str) -> None:
    """Run the openssl command. Raises ServerUnusable if it is not there or refuses."""
    program = shutil.which("openssl")
    if program is None:
        raise ServerUnusable("the openssl command is not installed")
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=MAKING_SECONDS, check=False)
    if ran.returncode:
        raise ServerUnusable(f"openssl {arguments[0]}: {ran.stderr.strip().splitlines()[-1]}")
