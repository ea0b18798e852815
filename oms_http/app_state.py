"""What the routes work on: the state of the application in one process."""

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
    """The service of one process.

    - `oms` is the system that it serves.
    - `readiness` tells whether it can work, `degradation` what is away without stopping it.
    - `fault_log` gets the details of faults.
    - `openapi` makes the OpenAPI document when it is first asked for; `index` is what stands at the root.
    - `bulkheads` bound how much of the process one caller has at once.
    """

    oms: Oms
    readiness: Readiness
    degradation: Degradation
    fault_log: FaultLog
    openapi: Callable[[], StaticContent]
    index: Mapping[str, object]
    bulkheads: Bulkheads
