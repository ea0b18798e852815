"""The certificate that the server shows, checked before a worker process would stumble over it."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_PRIVATE_KEY = re.compile("-----BEGIN [A-Z ]*PRIVATE KEY-----").search
_VERSION_TAG = 0xA0


class TlsFileError(Exception):
    """A file that no TLS can be served with: `field` is `certificate` or `key`, the text says why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(field, why)
        self.field = field
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Two PEM files: a certificate, followed by the ones that link it to its authority, and its private key."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raise TlsFileError unless both can be read and belong together; a key must be without a password."""
        key = _read("key", self.key)
        if not _PRIVATE_KEY(key):
            raise TlsFileError("key", f"{self.key.absolute()} holds no private key in PEM")
        pem = _read("certificate", self.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_verify_locations(self.certificate)
            version_tag = _version_tag(pem)
        except (ssl.SSLError, ValueError) as error:
            raise TlsFileError("certificate", f"{self.certificate.absolute()} holds no certificate in PEM") from error
        if version_tag != _VERSION_TAG:
            why = "is an X.509 certificate of version 1; `openssl x509 -req` makes a later one with -extfile"
            raise TlsFileError("certificate", f"{self.certificate.absolute()} {why}")
        self._check_key(context)

    def _check_key(self, context: ssl.SSLContext) -> None:
        asked: list[None] = []

        def refuse() -> str:  # OpenSSL would ask on the terminal.
            asked.append(None)
            return ""

        try:
            context.load_cert_chain(self.certificate, self.key, password=refuse)
        except (ssl.SSLError, ValueError) as error:
            raise TlsFileError("key", f"{self.key.absolute()} {_why(error, is_encrypted=bool(asked))}") from error


def _why(error: Exception, *, is_encrypted: bool) -> str:
    reason = getattr(error, "reason", None)
    if is_encrypted:
        return "is encrypted; the service starts unattended, so the key must be without a password"
    if reason and "TOO_SMALL" in reason:
        return "or its certificate is too weak: RSA needs 2048 bits"
    return "is not the certificate's key"


def _read(field: str, path: Path) -> str:
    try:
        return path.read_text(encoding="latin-1")
    except FileNotFoundError as error:
        raise TlsFileError(field, f"there is no file {path.absolute()}") from error
    except OSError as error:
        raise TlsFileError(field, f"{path.absolute()} cannot be read: {error.strerror}") from error


def _version_tag(pem: str) -> int:
    """Return the byte where the first certificate's version would stand; the first version has none (RFC 5280, 4.1)."""
    start = pem.index(_BEGIN)
    rest = ssl.PEM_cert_to_DER_cert(pem[start : pem.index(_END, start) + len(_END)])
    for _ in range(2):  # Into the certificate, and into what its authority signed.
        rest = rest[2 + (rest[1] & 0x7F if rest[1] & 0x80 else 0) :]
    return rest[0]


def trusting_context() -> ssl.SSLContext:
    """Make what a process needs to ask itself over TLS, whatever name its certificate is for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
