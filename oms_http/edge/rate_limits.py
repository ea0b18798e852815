"""What a request is charged at the edge: once for its address, and once for its caller.

It is charged by its head, before anything of its body is decoded. flask-limiter charges all requests but those that
place orders, whose caller the core charges by the order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import flask
from flask import Flask, Response
from flask_limiter import ApplicationLimit, Limiter

from oms_core import Charge, Oms
from oms_core.domain.rate_limits import ADDRESS_POLICY, Allowance, RateLimit, RateScope, counted_address, rate_limited
from oms_core.errors import OmsError
from oms_http.edge.port_storage import SCHEME, STRATEGY
from oms_http.openapi.operation import Operation
from oms_http.requests import Request, current_request
from oms_http.responses import REPLAYED

HEAD_ONLY = "oms.head_only"  # The server asks with this in the environ whether a large body is welcome,
WELCOME = "oms.welcome"  # finds this there if it is, and hands it on with the body.
_ADDRESSES_REMEMBERED = 4_096

View = Callable[[Request, Iterable[str]], Response]


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the head of a request has been charged already when its body comes."""

    charge: Charge | None
    allowance: Allowance | None


def invite(request: Request) -> None:
    """Let the server receive the body of a request whose head was charged."""
    request.environ[WELCOME] = Welcome(request.charge, request.allowance)


def charge_placing(oms: Oms, request: Request) -> None:
    """Charge the caller of a request for one order; the core raises that for a batch. Raises `rate_limited`."""
    if WELCOME not in request.environ:
        request.charge = oms.rate_limits.charge(RateScope.ORDERS_PLACE, caller=request.caller, charged=request.charged)


def take_over(request: Request) -> None:
    """Go on with what the head of a request was charged: it has a WELCOME in its environ."""
    welcome: Welcome = request.environ[WELCOME]
    request.allowance, request.charge = welcome.allowance, welcome.charge
    if request.charge is not None:
        request.charge.charged = request.charged


class EdgeLimits:
    """Counts requests by address and by caller. It installs nothing where no limit is in force.

    A hook before the route charges the address, and a decorator of the route charges the caller. A hook takes a tenth
    of the time that an order takes, so requests that place orders skip it: `charge_address` charges their address
    without the hook, and the core charges their caller. What the head of a request was charged, its body is not charged
    again.
    """

    def __init__(self, app: Flask, oms: Oms, operations: Iterable[Operation]) -> None:
        self._address = oms.settings.http_rate_limit_in_force
        self._scopes = oms.settings.rate_limits_in_force
        self._port = oms.rate_limits.limiter
        operations = tuple(operations)
        self._placing = frozenset(operation.id for operation in operations if operation.places_orders)
        self._never_limited = frozenset(operation.id for operation in operations if not operation.is_limited)
        self._counted = lru_cache(maxsize=_ADDRESSES_REMEMBERED)(counted_address)
        self._limiter = self._installed(app, oms) if self._address or self._scopes else None

    def charge_address(self, request: Request) -> None:
        """Charge the address of a request that the hook passes over. Raises `rate_limited`."""
        if self._address is None or WELCOME in request.environ:
            return
        allowance = self._port.take(self._address, self._key_of(request.remote_addr), cost=1)
        request.charged(allowance)
        if not allowance.allowed:
            raise refusal_of(request)

    def by_caller(self, operation: Operation, view: View) -> View:
        """Charge callers one unit of the operation's scope before the view runs; for a replay they get it back."""
        limit = None if operation.rate_scope is None else self._scopes.get(operation.rate_scope)
        if self._limiter is None or limit is None:
            return view

        def uncharged_if_replayed(request: Request, path: Iterable[str]) -> Response:
            response: Response = view(request, path)
            if REPLAYED in response.headers.items():
                Charge(limit, self._port, request.caller.rate_key, request.charged, units=1).give_back(1)
            return response

        uncharged_if_replayed.__qualname__ = operation.id  # By which the extension knows a view.
        charged = self._limiter.shared_limit(
            _text(limit), scope=limit.policy, key_func=_caller_key, exempt_when=_is_charged_by_its_head
        )
        return charged(uncharged_if_replayed)

    def _installed(self, app: Flask, oms: Oms) -> Limiter:
        # Its line for each refusal has no bound; the service logs refusals itself.
        logging.getLogger("flask-limiter").setLevel(logging.WARNING)
        limits = [] if self._address is None else [ApplicationLimit(_text(self._address), scope=ADDRESS_POLICY)]
        limiter = Limiter(
            self._address_key,
            application_limits=limits,  # type: ignore[arg-type]  # A list of one of the kinds that it takes.
            strategy=STRATEGY,
            storage_uri=f"{SCHEME}://",
            storage_options={"limiter": oms.rate_limits.limiter, "told": _tell},  # type: ignore[dict-item]
            headers_enabled=False,
            request_identifier=_endpoint,
        )
        limiter.init_app(cast(Flask, _Hooks(app, self._is_passed_over)))
        return limiter

    def _address_key(self) -> str:
        return self._key_of(flask.request.remote_addr)

    def _key_of(self, address: str | None) -> str:
        return f"address:{self._counted(address or '')}"

    def _is_passed_over(self) -> bool:
        asked = current_request()
        if asked.method == "POST" and asked.endpoint in self._placing:
            return True
        return _is_charged_by_its_head() or asked.endpoint in self._never_limited


def refusal_of(request: Request) -> OmsError:
    """Return the error for a request whose last charge was refused."""
    if request.allowance is None:
        raise RuntimeError("nobody is refused without a charge")
    return rate_limited(request.allowance.limit, request.allowance.retry_after_seconds)


class _Hooks:
    """The application as the extension sees it: its hooks do not run for requests that are passed over.

    Exempting their routes would still cost an order 40 us, because the extension looks that up for each request.
    """

    def __init__(self, app: Flask, is_passed_over: Callable[[], bool]) -> None:
        self.config = app.config
        self.extensions = app.extensions
        self._app = app
        self._is_passed_over = is_passed_over

    def before_request(self, hook: Callable[[], None]) -> None:
        """Run a hook before each request that is not passed over."""
        self._app.before_request(lambda: None if self._is_passed_over() else hook())

    def after_request(self, _: Callable[[Response], Response]) -> None:
        """Run none: it would write headers of its own, which are off."""

    def teardown_request(self, _: Callable[[BaseException | None], None]) -> None:
        """Run none: what it keeps of a request ends with it."""


def _tell(allowance: Allowance) -> None:
    current_request().charged(allowance)


def _is_charged_by_its_head() -> bool:
    return WELCOME in current_request().environ


def _caller_key() -> str:
    return current_request().caller.rate_key


def _endpoint() -> str:
    """Name the route that is asked for. A path without a route is limited too."""
    return flask.request.endpoint or "unmatched"


def _text(limit: RateLimit) -> str:
    return f"{limit.count} per {limit.window_seconds} second"
