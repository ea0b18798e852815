"""OMS_RATE_LIMIT_URL where it names Redis: one server, the Sentinels of a master, or the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from oms_core.domain.numbers import parse_digits

HOSTS_MAX: Final = 16
SENTINEL_PARAMETERS: Final = ("sentinel_username", "sentinel_password")
_PORTS: Mapping[str, int] = MappingProxyType({"": 6379, "sentinel": 26379, "cluster": 6379})
_ENCODED = "with special characters percent-encoded"
_SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "": f"must be redis:// or rediss://user:password@host:port/number, {_ENCODED}",
        "sentinel": "must be redis+sentinel:// or rediss+sentinel://user:password@host:port,host:port/master/number, "
        f"with up to {HOSTS_MAX} hosts, {_ENCODED}",
        "cluster": "must be redis+cluster:// or rediss+cluster://user:password@host:port,host:port, without a number, "
        f"with up to {HOSTS_MAX} hosts, {_ENCODED}",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUrl:
    """A URL in its parts. `kind` is "" for one server, or "sentinel" or "cluster". `user` is still encoded."""

    scheme: str
    kind: str
    user: str
    hosts: Sequence[tuple[str, int]]
    master: str
    database: int
    query: Sequence[tuple[str, str]]

    def of_server(self, host: str, port: int) -> str:
        """Return the URL of one server that may hold counters, as redis-py reads it."""
        query = [(name, value) for name, value in self.query if name not in (*SENTINEL_PARAMETERS, "db")]
        return self._of(self.user, host, port, f"/{self.database}?{urlencode(query)}")

    def of_sentinel(self, host: str, port: int) -> str:
        """Return the URL of one Sentinel, which has a user and a password of its own, or none."""
        name, password = (quote(dict(self.query).get(each, ""), safe="") for each in SENTINEL_PARAMETERS)
        query = [(name, value) for name, value in self.query if name not in (*SENTINEL_PARAMETERS, "db")]
        return self._of(f"{name}:{password}" if password else "", host, port, f"?{urlencode(query)}")

    def describe(self) -> str:
        """Return where that is, without user, password and parameters."""
        places = ",".join(f"{host}:{port}" for host, port in self.hosts)
        if self.kind == "cluster":
            return f"Redis Cluster at {places}"
        at = f"Redis, master {self.master} of the Sentinels at" if self.kind else "Redis at"
        return f"{at} {places}, database {self.database}"

    def _of(self, user: str, host: str, port: int, rest: str) -> str:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return f"{self.scheme}://{user}{'@' if user else ''}{place}{rest}"


def read_redis_url(url: str) -> RedisUrl:
    """Read a URL. Raise ValueError; `shape_of` says what is right."""
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    user, _, places = parts.netloc.rpartition("@")
    hosts = [_place(place, _PORTS[kind]) for place in places.split(",")]
    query = parse_qsl(parts.query, keep_blank_values=True)
    master, database = _path(parts, kind)
    database = parse_digits(dict(query).get("db", f"{database}"))
    if len(hosts) > (HOSTS_MAX if kind else 1) or (kind == "sentinel" and not master):
        raise ValueError("too many hosts, or no master")
    if kind == "cluster" and database:
        raise ValueError("a cluster has one database")
    return RedisUrl(scheme=scheme, kind=kind, user=user, hosts=hosts, master=master, database=database, query=query)


def shape_of(url: str) -> str:
    """Return what a URL of this kind looks like."""
    return _SHAPES[urlsplit(url.partition(":")[0] + "://").scheme.partition("+")[2]]


def _place(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("no host")
    return parts.hostname, parts.port or port


def _path(parts: SplitResult, kind: str) -> tuple[str, int]:
    """Return the master's name, of a URL of Sentinels, and the database's number. Raise ValueError."""
    first, _, rest = parts.path.removeprefix("/").partition("/")
    master, number = (first, rest) if kind == "sentinel" else ("", parts.path.strip("/"))
    return unquote(master), parse_digits(number or "0")
