"""What the routes work on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oms_core import Oms
from oms_http.edge.bulkheads import Bulkheads
from oms_http.edge.fault_log import FaultLog
from oms_http.service.degradation import Degradation
from oms_http.service.readiness import Readiness
from oms_http.service.static_content import StaticContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process's service: the system, whether it can work, what is away without stopping it, where the details of
    its faults go, its OpenAPI document (made when first asked for), what stands at its root, and how much of the
    process one caller has at once.
    """

    oms: Oms
    readiness: Readiness
    degradation: Degradation
    fault_log: FaultLog
    openapi: Callable[[], StaticContent]
    index: Mapping[str, object]
    bulkheads: Bulkheads
