"""The settings that only the service over HTTP reads."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from oms_core.settings.checks import check_each, check_range, check_types
from oms_http.edge.web_origins import read_origin

_PORT_MAX = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """How the service answers, beside the core's `Settings`, whose `host` it listens on.

    `http_processes` 0 means: one on an embedded database, two otherwise; `http_caller_in_flight_max` 0: a quarter of
    `http_threads`, where keys are in force. `tls_certificate` and `tls_key` name PEM files; both or neither.
    `trusted_proxies` are addresses and CIDRs whose X-Forwarded-For is believed, `cors_origins` the sites whose pages
    may read answers ("*": every site). With `http_request_batches` single orders that come together share a thread, if
    they share transactions too. A stop is announced on /readyz `http_lame_duck_seconds` before the port closes.
    `metrics_address` ("host:port") moves /metrics off the public port.
    """

    port: int = 8080
    tls_certificate: str = ""
    tls_key: str = ""
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    http_processes: int = 0
    http_threads: int = 256
    http_in_flight_max: int = 256
    http_caller_in_flight_max: int = 0
    http_latency_target_ms: int = 1_000
    http_request_batches: bool = True
    http_body_timeout_seconds: int = 10
    http_lame_duck_seconds: int = 0
    http_stop_timeout_seconds: int = 20
    metrics_address: str = ""

    def __post_init__(self) -> None:
        check_types(self)
        check_range("port", self.port, 0, _PORT_MAX)
        check_range("http_processes", self.http_processes, 0, 64)
        check_range("http_threads", self.http_threads, 2, 1_024)
        check_range("http_in_flight_max", self.http_in_flight_max, 1, 100_000)
        check_range("http_caller_in_flight_max", self.http_caller_in_flight_max, 0, 100_000)
        check_range("http_latency_target_ms", self.http_latency_target_ms, 0, 60_000)
        check_range("http_body_timeout_seconds", self.http_body_timeout_seconds, 1, 3_600)
        check_range("http_lame_duck_seconds", self.http_lame_duck_seconds, 0, 3_600)
        check_range("http_stop_timeout_seconds", self.http_stop_timeout_seconds, 1, 3_600)
        check_each("trusted_proxies", self.trusted_proxies, ipaddress.ip_network, "an address or a CIDR")
        check_each("cors_origins", self.cors_origins, read_origin, "https://host, https://host:port or *")
