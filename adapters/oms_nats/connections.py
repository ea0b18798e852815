"""One connection on an event loop: every wait is bounded, and its loss ends whatever waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.errors import Error
from nats.js import JetStreamContext

from oms_nats.addresses import Address
from oms_nats.faults import reason_of, unavailable

T = TypeVar("T")

OPENING_SECONDS = 2.8
ANSWER_SECONDS = 2.5
_SERVER_SECONDS = 2.5
_CLOSING_SECONDS = 1.0
_PING_SECONDS = 5
_PINGS_MAX = 2


class _Client(Client):
    """nats-py's client, with two changes.

    It tells nobody its password before the connection is encrypted, where the URL asks for TLS and the server offers
    none. It survives a message whose headers it cannot read: the message comes in without them.
    """

    needs_tls = False

    def _connect_command(self) -> bytes:
        if self.needs_tls and not self._server_info.get("tls_required"):
            raise Error("nats: it offers no TLS")
        return super()._connect_command()

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        try:
            return await super()._process_headers(headers)
        except Exception:  # noqa: BLE001  Whatever a stranger writes there must not end the reading.
            return None


class Connection:
    """A connection to one of the servers of an address. It is made and used on one event loop.

    `fault` says why it was lost; it is None as long as it is open.
    """

    def __init__(self, role: str) -> None:
        self._role = role
        self._error: BaseException | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.client = _Client()
        self.fault: str | None = None

    @property
    def jetstream(self) -> JetStreamContext:
        """What asks JetStream for something."""
        return self._jetstream

    @property
    def in_cluster(self) -> bool:
        """Whether the server is one of several."""
        return bool(self.client._server_info.get("cluster"))

    async def open(self, server: str, address: Address) -> None:
        """Connect to one server. Raise an error of nats-py or of the network."""
        self.client.needs_tls = address.tls is not None
        await self.client.connect(
            servers=[f"nats://{server}"],
            name=f"oms {self._role}",
            error_cb=self._remember,
            closed_cb=self._close_down,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=_SERVER_SECONDS,  # type: ignore[arg-type]  # A float does as well.
            ping_interval=_PING_SECONDS,
            max_outstanding_pings=_PINGS_MAX,
            tls=address.tls,
            **_login(address),
        )
        self._jetstream = self.client.jetstream(timeout=ANSWER_SECONDS)

    async def answered(self, question: Coroutine[Any, Any, T], seconds: float = ANSWER_SECONDS) -> T:
        """Wait for an answer. Raise `queue_unavailable` at the timeout, when it is refused, or the connection lost."""
        asking = asyncio.ensure_future(question)
        try:
            either: list[asyncio.Future[Any]] = [asking, self._ended]
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise unavailable(self.fault or f"no answer within {seconds:g} seconds")
            return asking.result()
        except (Error, OSError, TimeoutError) as error:
            raise unavailable(self.fault or reason_of(error)) from error
        finally:
            asking.cancel()

    async def close(self) -> None:
        """Close it, which takes a second at most."""
        self.fault = self.fault or "it is closed"
        with suppress(Error, OSError, TimeoutError):
            await asyncio.wait_for(self.client.close(), _CLOSING_SECONDS)
        self.abort()

    def abort(self) -> None:
        """Close it at once."""
        self.fault = self.fault or "it is closed"
        transport = self.client._transport
        writer = getattr(transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()

    def reason(self, error: BaseException) -> str:
        """Return why it could not be opened: nats-py tells its first cause beside, and then that no server is left."""
        return reason_of(self._error or error)

    async def _remember(self, error: Exception) -> None:
        if self._error is None or str(self._error) == "":
            self._error = error

    async def _close_down(self) -> None:
        error = self.client.last_error
        self.fault = self.fault or (reason_of(error) if error else "the connection was lost")
        if not self._ended.done():
            self._ended.set_result(None)


async def connect(address: Address, role: str, first: int = 0) -> Connection:
    """Connect to the first server that answers, beginning with number `first`.

    Raise `queue_unavailable` within three seconds.
    """
    tried: list[str] = []
    try:
        async with asyncio.timeout(OPENING_SECONDS):
            for number in range(len(address.servers)):
                server = address.servers[(first + number) % len(address.servers)]
                if connection := await _attempt(address, server, role, tried):
                    return connection
    except TimeoutError:
        tried.append(f"no answer within {OPENING_SECONDS:g} seconds")
    raise unavailable("; ".join(dict.fromkeys(tried)))


async def _attempt(address: Address, server: str, role: str, tried: list[str]) -> Connection | None:
    """Connect to one server, or add the reason why not. With further ones to try, each has its share of the time."""
    connection = Connection(role)
    try:
        async with asyncio.timeout(OPENING_SECONDS / len(address.servers)):
            await connection.open(server, address)
    except (Error, OSError, TimeoutError) as error:
        tried.append(connection.reason(error))
    except BaseException:
        connection.abort()
        raise
    else:
        return connection
    connection.abort()
    return None


def _login(address: Address) -> dict[str, Any]:
    if address.password is None:
        return {}
    return {"user": address.user, "password": address.password} if address.user else {"token": address.password}
