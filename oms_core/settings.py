"""Settings: flags over environment over oms.toml; a wrong one is named in one line."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from oms_core.domain.currencies import CURRENCIES
from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.domain.origins import read_origin
from oms_core.domain.rate_limits import RateLimit, RateScope, read_rate_limits, read_rate_limits_with_keys
from oms_core.domain.validation import Findings
from oms_core.errors import OmsError

_PORT_MAX = 65_535
_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TYPES: Mapping[str, tuple[type, str]] = MappingProxyType(
    {
        "str": (str, "text"),
        "int": (int, "a whole number"),
        "bool": (bool, "on or off"),
        "tuple[str, ...]": (tuple, "a list of names"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one deployment chooses; every field is also the environment variable OMS_<FIELD> and a key of oms.toml.

    `http_processes` 0 means: one on an embedded database, two otherwise. `locations` is the priority in which stock is
    served; the first is the default location. `metrics_address` ("host:port") moves /metrics off the public port.
    `tls_certificate` and `tls_key` name PEM files; both or neither. `trusted_proxies` are addresses and CIDRs whose
    X-Forwarded-For is believed, `cors_origins` the sites whose pages may read answers ("*": every site).
    `queue_prefix` begins the name of everything declared at a broker. `rate_limits` is `scope=count/unit` separated by
    semicolons, "default" for every other scope; "off" means none, and so does empty with auth off. `auth` "auto" means
    off where `host` is loopback, keys anywhere else.
    """

    database_url: str = "sqlite:///oms.db"
    queue_url: str = "memory://"
    queue_prefix: str = "oms"
    worker_batch_max: int = 500
    max_attempts: int = 5
    rate_limit_url: str = "memory://"
    rate_limits: str = ""
    auth: str = "auto"
    host: str = "127.0.0.1"
    port: int = 8080
    tls_certificate: str = ""
    tls_key: str = ""
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    http_processes: int = 0
    http_threads: int = 256
    http_in_flight_max: int = 256
    http_latency_target_ms: int = 1_000
    http_body_timeout_seconds: int = 10
    http_stop_timeout_seconds: int = 20
    metrics_address: str = ""
    currency: str = "EUR"
    locations: tuple[str, ...] = ("main",)
    group_commit: bool = True
    log_format: str = "text"
    log_level: str = "info"
    storage_deadline_seconds: int = 10
    lock_timeout_seconds: int = 5
    statement_timeout_seconds: int = 30
    prepared_statements: bool = True

    def __post_init__(self) -> None:
        for entry in fields(self):
            _check_type(entry.name, getattr(self, entry.name), str(entry.type))
        _check_url("database_url", self.database_url, "sqlite:///oms.db or postgresql://host/database")
        _check_url("queue_url", self.queue_url, "memory:// or amqp://user:password@host/vhost")
        _check_url("rate_limit_url", self.rate_limit_url, "memory:// or redis://host:6379/0")
        _check_rate_limits(self.rate_limits)
        _check_prefix(self.queue_prefix)
        _check_choice("auth", self.auth, ("auto", "keys", "off"))
        _check_choice("log_format", self.log_format, ("text", "json"))
        _check_choice("log_level", self.log_level, ("debug", "info", "warning", "error"))
        if self.currency not in CURRENCIES:
            raise _wrong("currency", "must be an ISO 4217 code in capitals, such as EUR")
        _check_range("port", self.port, 0, _PORT_MAX)
        _check_range("worker_batch_max", self.worker_batch_max, 1, TRANSACTION_ORDERS_MAX)
        _check_range("max_attempts", self.max_attempts, 1, 100)
        _check_range("http_processes", self.http_processes, 0, 64)
        _check_range("http_threads", self.http_threads, 2, 1_024)
        _check_range("http_in_flight_max", self.http_in_flight_max, 1, 100_000)
        _check_range("http_latency_target_ms", self.http_latency_target_ms, 0, 60_000)
        for name in (
            "http_body_timeout_seconds",
            "http_stop_timeout_seconds",
            "storage_deadline_seconds",
            "lock_timeout_seconds",
            "statement_timeout_seconds",
        ):
            _check_range(name, getattr(self, name), 1, 3_600)
        _check_locations(self.locations)
        _check_each("trusted_proxies", self.trusted_proxies, ipaddress.ip_network, "an address or a CIDR")
        _check_each("cors_origins", self.cors_origins, read_origin, "https://host, https://host:port or *")

    @property
    def default_location(self) -> str:
        """Where stock goes when no location is named."""
        return self.locations[0]

    @property
    def auth_in_force(self) -> str:
        """How callers are known: `keys` by the keys they bring; `off`: whoever reaches this machine's loopback."""
        if self.auth != "auto":
            return self.auth
        return "off" if _is_loopback(self.host) else "keys"

    @property
    def rate_limits_in_force(self) -> Mapping[RateScope, RateLimit]:
        """The limit of each scope that has one."""
        read = read_rate_limits if self.auth_in_force == "off" else read_rate_limits_with_keys
        return read(self.rate_limits)

    @classmethod
    def load(cls, environment: Mapping[str, str], *, file: Path | None = None, **flags: Any) -> Settings:
        """Combine flags (None: not given), OMS_* variables and a TOML file (a missing one is empty).

        Raises `invalid_setting`, naming the setting and where it stands; an unknown OMS_* variable outside
        OMS_TEST_* is wrong too.
        """
        chosen = _from_file(file) | _from_environment(environment)
        chosen |= {name: value for name, value in flags.items() if value is not None}
        return cls(**chosen)


def variable(name: str) -> str:
    """Give a field's environment variable."""
    return f"OMS_{name.upper()}"


def _wrong(name: str, why: str) -> OmsError:
    return OmsError("invalid_setting", f"{variable(name)} {why}")


def _is_loopback(host: str) -> bool:
    """Tell whether an address is loopback; of names, `localhost` alone is known without asking anybody."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_type(name: str, value: object, declared: str) -> None:
    kind, wanted = _TYPES[declared]
    if type(value) is not kind:
        shown = "" if name.endswith("_url") else f"; it is {value!r}"
        raise _wrong(name, f"must be {wanted}{shown}")


def _check_url(name: str, url: str, examples: str) -> None:
    try:
        parts = urlsplit(url)
        is_url = bool(parts.scheme)
    except ValueError:
        is_url = False
    if not is_url:
        raise _wrong(name, f"must be a URL such as {examples}")  # Never the URL itself: it may hold a password.
    if parts.netloc and _is_ambiguous(parts):
        raise _wrong(name, "must have the special characters of user and password percent-encoded, such as %40 for @")


def _is_ambiguous(parts: SplitResult) -> bool:
    """Tell whether an @, /, ? or # of a password may have been taken for the end of it.

    What follows would then be shown as the host or the database's name.
    """
    loose = [parts.path, parts.fragment, *(each for each in parts.query.split("&") if "=" not in each)]
    return parts.netloc.count("@") > 1 or any("@" in each for each in loose)


def _check_prefix(prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise _wrong("queue_prefix", f"must be 1 to 64 letters, digits, dots, dashes or underscores; it is {prefix!r}")


def _check_rate_limits(text: str) -> None:
    try:
        read_rate_limits(text)
    except ValueError as error:
        raise _wrong("rate_limits", str(error)) from error


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise _wrong(name, f"must be one of: {', '.join(choices)}; it is {value!r}")


def _check_range(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise _wrong(name, f"must be a whole number from {lowest} to {highest}; it is {value!r}")


def _check_locations(locations: tuple[str, ...]) -> None:
    findings = Findings()
    for location in locations:
        findings.location("/locations", location)
    if not locations or findings.errors or len(set(locations)) != len(locations):
        raise _wrong("locations", "must list location names, comma-separated, each once")


def _check_each(name: str, entries: Sequence[str], read: Callable[[str], object], wanted: str) -> None:
    for entry in entries:
        try:
            read(str(entry))  # A list in oms.toml may hold numbers, and 1 would be the address 0.0.0.1.
        except ValueError as error:
            raise _wrong(name, f"must list {wanted}, comma-separated; it has {entry!r}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    readers = _readers()
    chosen = {}
    for key in sorted(environment):
        if not key.startswith("OMS_") or key.startswith("OMS_TEST_") or not environment[key]:
            continue
        name = key.removeprefix("OMS_").lower()
        if name not in readers:
            raise OmsError("invalid_setting", f"{key} is not a setting; `oms config show` lists them")
        chosen[name] = readers[name](name, environment[key])
    return chosen


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None or not file.exists():
        return {}
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OmsError("invalid_setting", f"{file} cannot be read: {error}") from error
    readers = _readers()
    for name in content:
        if name not in readers:
            raise OmsError("invalid_setting", f"{name} in {file} is not a setting; `oms config show` lists them")
    return {name: _from_toml(readers[name], name, value) for name, value in content.items()}


def _from_toml(read: Callable[[str, str], object], name: str, value: object) -> object:
    if isinstance(value, str):
        return read(name, value)
    return tuple(value) if isinstance(value, list) else value


def _readers() -> dict[str, Callable[[str, str], object]]:
    by_type = {"str": _read_text, "int": _read_number, "bool": _read_switch, "tuple[str, ...]": _read_list}
    return {entry.name: by_type[str(entry.type)] for entry in fields(Settings)}


def _read_text(_: str, text: str) -> str:
    return text


def _read_number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise _wrong(name, f"must be a whole number; it is {text!r}") from error


def _read_switch(name: str, text: str) -> bool:
    switches = {
        "on": True,
        "true": True,
        "1": True,
        "yes": True,
        "off": False,
        "false": False,
        "0": False,
        "no": False,
    }
    if text.lower() not in switches:
        raise _wrong(name, f"must be on or off; it is {text!r}")
    return switches[text.lower()]


def _read_list(_: str, text: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())
