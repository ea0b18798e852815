"""Where a PostgreSQL database is, read from its URL; what is wrong with it is told without its password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

import psycopg2
from psycopg2.extensions import parse_dsn

from oms_core.errors import OmsError

_PORT = "5432"
_SHAPE = "is no PostgreSQL URL; write postgresql://user:password@host:5432/database"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlAddress:
    """A checked URL, which may hold the password, libpq's parameters in it, and the setting that it stands in."""

    setting: str
    url: str
    given: Mapping[str, str]

    def describe(self) -> str:
        """Name the database and its hosts."""
        hosts = (self.given.get("host") or self.given.get("hostaddr") or "the local socket").split(",")
        ports = self.given.get("port", _PORT).split(",")
        if len(ports) == 1:
            ports *= len(hosts)
        where = ", ".join(f"{host}:{port or _PORT}" for host, port in zip(hosts, ports, strict=False))
        return f"PostgreSQL database {self.given.get('dbname', self.given.get('user', ''))} at {where}"


def read_postgresql_url(url: str, *, setting: str) -> PostgresqlAddress:
    """Read `postgresql://` or `postgres://` as libpq does, in any case of the scheme.

    Raises `invalid_setting`, which names the setting that the URL stands in.
    """
    url = f"postgresql://{url.partition('://')[2]}"
    for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if not _is_known(name):
            raise OmsError("invalid_setting", f"{setting}: libpq knows no parameter {name!a}")
    try:
        given = {name: str(value) for name, value in parse_dsn(url).items()}
        if not all(not port or (port.isascii() and port.isdecimal()) for port in given.get("port", "").split(",")):
            raise ValueError("a port is not a number")
    except (psycopg2.Error, ValueError) as error:  # Its text is not shown, for it may quote the password.
        raise OmsError("invalid_setting", f"{setting} {_SHAPE}") from error
    return PostgresqlAddress(setting=setting, url=url, given=given)


def _is_known(parameter: str) -> bool:
    try:
        parse_dsn(f"postgresql://?{quote(parameter, safe='')}=")
    except psycopg2.Error:
        return False
    return True
