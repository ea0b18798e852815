"""The settings of the core, from flags over environment over oms.toml; an error names the wrong one in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oms_core.domain.callers import COMMANDS_NAME, LOCAL_NAME
from oms_core.domain.currencies import CURRENCIES
from oms_core.domain.limits import HOLD_SECONDS_MAX, KEY_LIFETIME_DAYS_MAX, TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.holds import HoldLimits
from oms_core.domain.rate_limits import (
    ADDRESS_DEFAULT,
    RateLimit,
    RateScope,
    read_address_limit,
    read_rate_limits,
    read_rate_limits_with_keys,
)
from oms_core.domain.stock.locations import KnownNames
from oms_core.settings.checks import (
    check_caller,
    check_choice,
    check_limits,
    check_locations,
    check_prefix,
    check_range,
    check_types,
    check_url,
    is_loopback,
    wrong,
)
from oms_core.settings.sources import load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The choices of one deployment; every field is also the environment variable OMS_<FIELD> and a key of oms.toml.

    The settings of a driver are a group of their own (`oms_http.settings`), found by the entry point group
    `oms.settings`. `locations` are in the order in which stock is served from them; the first is the default location.
    `queue_prefix` is the beginning of every name declared at a broker.

    `hold_seconds` is how long orders are held that do not say (0: they need no confirmation); those of imports are not.
    No hold is longer than `hold_seconds_max`, or extended more than `hold_extensions_max` times.

    `rate_limits` is `scope=count/unit` separated by semicolons, with "default" for every other scope. "off" means no
    limits, and so does an empty text with auth off. `http_rate_limit` is `count/unit` for each address, or "off".
    `auth` "auto" means off if `host` is loopback, else keys. `key_days_max` is the longest lifetime of an API key in
    days; 0 sets no bound. `database_read_url` is a replica of the database, or empty; it is read while it is at most
    `replica_lag_seconds_max` behind.

    `local_caller` names who calls without an API key, `commands_caller` who publishes orders at the broker. Empty ones
    have the names `..._in_force`. An idempotency key belongs to the name under which it came.
    """

    database_url: str = "sqlite:///oms.db"
    database_read_url: str = ""
    replica_lag_seconds_max: int = 5
    queue_url: str = "memory://"
    queue_prefix: str = "oms"
    worker_batch_max: int = 500
    max_attempts: int = 5
    hold_seconds: int = 0
    hold_seconds_max: int = 86_400
    hold_extensions_max: int = 3
    rate_limit_url: str = "memory://"
    rate_limits: str = ""
    http_rate_limit: str = ""
    auth: str = "auto"
    key_days_max: int = 0
    local_caller: str = ""
    commands_caller: str = ""
    host: str = "127.0.0.1"
    currency: str = "EUR"
    locations: tuple[str, ...] = ("main",)
    locations_strict: bool = False
    group_commit: bool = True
    log_format: str = "text"
    log_level: str = "info"
    storage_deadline_seconds: int = 10
    lock_timeout_seconds: int = 5
    statement_timeout_seconds: int = 30
    prepared_statements: bool = True

    def __post_init__(self) -> None:
        check_types(self)
        check_url("database_url", self.database_url, "sqlite:///oms.db or postgresql://host/database")
        if self.database_read_url:
            check_url("database_read_url", self.database_read_url, "postgresql://host/database")
        check_range("replica_lag_seconds_max", self.replica_lag_seconds_max, 1, 86_400)
        check_url(
            "queue_url", self.queue_url, "memory://, amqp://user:password@host/vhost or nats://user:password@host"
        )
        check_url("rate_limit_url", self.rate_limit_url, "memory:// or redis://host:6379/0")
        check_limits("rate_limits", self.rate_limits, read_rate_limits)
        check_limits("http_rate_limit", self.http_rate_limit, read_address_limit)
        check_prefix(self.queue_prefix)
        check_choice("auth", self.auth, ("auto", "keys", "off"))
        check_choice("log_format", self.log_format, ("text", "json"))
        check_choice("log_level", self.log_level, ("debug", "info", "warning", "error"))
        if self.currency not in CURRENCIES:
            raise wrong("currency", "must be an ISO 4217 code in capitals, such as EUR")
        check_range("worker_batch_max", self.worker_batch_max, 1, TRANSACTION_ORDERS_MAX)
        check_range("max_attempts", self.max_attempts, 1, 100)
        check_range("hold_seconds_max", self.hold_seconds_max, 1, HOLD_SECONDS_MAX)
        check_range("hold_seconds", self.hold_seconds, 0, self.hold_seconds_max)
        check_range("hold_extensions_max", self.hold_extensions_max, 0, 1_000)
        check_range("key_days_max", self.key_days_max, 0, KEY_LIFETIME_DAYS_MAX)
        for name in ("storage_deadline_seconds", "lock_timeout_seconds", "statement_timeout_seconds"):
            check_range(name, getattr(self, name), 1, 3_600)
        check_locations(self.locations)
        for name in ("local_caller", "commands_caller"):
            check_caller(name, getattr(self, name))

    @property
    def default_location(self) -> str:
        """The location of stock if none is named."""
        return self.locations[0]

    @property
    def known_locations(self) -> KnownNames:
        """Which locations may be named."""
        return KnownNames(named=self.locations, is_strict=self.locations_strict)

    @property
    def holds(self) -> HoldLimits:
        """How long orders are held."""
        return HoldLimits(
            seconds=self.hold_seconds, seconds_max=self.hold_seconds_max, extensions_max=self.hold_extensions_max
        )

    @property
    def auth_in_force(self) -> str:
        """How callers are known: `keys`, by their API keys; `off`, everybody who reaches this machine's loopback."""
        if self.auth != "auto":
            return self.auth
        return "off" if is_loopback(self.host) else "keys"

    @property
    def local_caller_in_force(self) -> str:
        """Who calls without an API key; whoever embeds the system may call in this name too."""
        return self.local_caller or LOCAL_NAME

    @property
    def commands_caller_in_force(self) -> str:
        """Who publishes orders at the broker: where no keys are in force, the same who calls without one.

        Where everybody brings a key, the publishers are a party of their own until they are given a name.
        """
        if self.commands_caller:
            return self.commands_caller
        return self.local_caller_in_force if self.auth_in_force == "off" else COMMANDS_NAME

    @property
    def rate_limits_in_force(self) -> Mapping[RateScope, RateLimit]:
        """The limit of each scope that has one."""
        read = read_rate_limits if self.auth_in_force == "off" else read_rate_limits_with_keys
        return read(self.rate_limits)

    @property
    def http_rate_limit_in_force(self) -> RateLimit | None:
        """The limit on the requests of one address over HTTP."""
        default = "" if self.auth_in_force == "off" else ADDRESS_DEFAULT
        return read_address_limit(self.http_rate_limit or default)

    @classmethod
    def load(cls, environment: Mapping[str, str], *, file: Path | None = None, **flags: Any) -> Settings:
        """Combine flags, OMS_* variables and a TOML file, as `load_settings` does for any group of settings."""
        return load_settings(cls, environment, file=file, flags=flags)
