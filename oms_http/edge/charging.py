"""What a request costs its caller: charged by its head, before anything of its body is decoded, and once."""

from __future__ import annotations

from dataclasses import dataclass

from oms_core.domain.rate_limits import RateScope
from oms_core.oms import Oms
from oms_core.ports.rate_limiter import Allowance
from oms_core.use_cases.charge_caller import Charge
from oms_http.requests import Request

HEAD_ONLY = "oms.head_only"  # The server asks with this in the environ whether a large body is welcome,
WELCOME = "oms.welcome"  # finds this there if it is, and hands it on with the body.


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the head of a request has been charged already when its body comes."""

    charge: Charge | None
    allowance: Allowance | None


def invite(request: Request) -> None:
    """Let the server receive the body of a request whose head was charged."""
    request.environ[WELCOME] = Welcome(request.charge, request.allowance)


def charge_placing(oms: Oms, request: Request) -> None:
    """Charge the caller of a request for one order, of which the core raises a batch. Raises `rate_limited`."""
    if WELCOME not in request.environ:
        request.charge = oms.charge(RateScope.ORDERS_PLACE, caller=request.caller, charged=request.charged)


def take_over(request: Request) -> None:
    """Go on with what the head of a request was charged, if it was asked by its head."""
    welcome = request.environ.get(WELCOME)
    if welcome is not None:
        request.allowance, request.charge = welcome.allowance, welcome.charge
        if request.charge is not None:
            request.charge.charged = request.charged
