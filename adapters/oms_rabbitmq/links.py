"""One connection, driven by the thread that uses it: every wait is bounded, which pika's BlockingConnection lacks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.channel import Channel
from pika.connection import Parameters
from pika.exceptions import AMQPError, ChannelClosedByClient, ConnectionOpenAborted

from oms_core.errors import OmsError
from oms_core.runtime.forks import begin_in_each_process
from oms_rabbitmq.addresses import Address
from oms_rabbitmq.faults import PREFIX, reason_of, reason_of_end, unavailable
from oms_rabbitmq.frames import ReadFrame, read_frame
from oms_rabbitmq.nodes import Nodes

OPENING_SECONDS = 2.8
NODE_SECONDS_MIN = 0.9  # A node that is merely busy would not answer within less.
ANSWER_SECONDS = 2.5
_CLOSING_SECONDS = 1.0


def _nothing() -> None:
    """Do nothing but wake the loop."""


class _Connection(SelectConnection):
    """pika's connection, with three changes.

    It can send the three frames of a message together, where pika sends each by itself. It survives a message whose
    properties pika cannot read. It remembers what ended it: pika guesses from the phase of the connection that the
    password must be wrong, also when the network was slow.
    """

    ended_by: BaseException | None = None
    _held: list[bytes] | None = None

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """Hold back what is written in the block, and send it together at the end."""
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            if held:
                self._adapter_emit_data(b"".join(held))

    def _read_frame(self) -> ReadFrame:
        return read_frame(self._frame_buffer)  # type: ignore[attr-defined]  # Its types leave that out too.

    def _on_stream_terminated(self, error: Exception | None) -> None:
        self.ended_by = error or self._error  # type: ignore[attr-defined]  # Its types leave that out too.
        super()._on_stream_terminated(error)  # type: ignore[misc]

    def _on_connection_workflow_done(self, outcome: Any) -> None:
        # When pika 1.4 is aborted during the broker's greeting, it passes a class in place of an instance, and then
        # fails its own assertion.
        outcome = outcome() if isinstance(outcome, type) else outcome
        super()._on_connection_workflow_done(outcome)  # type: ignore[misc]

    def _adapter_emit_data(self, data: bytes) -> None:
        if self._held is None:
            super()._adapter_emit_data(data)  # type: ignore[misc]  # Its types leave out what adapters implement.
        else:
            self._held.append(data)


class Link:
    """A connection and its loop. All methods but `wake` are for one thread. Once `fault` is set, it is not usable.

    `failed` is called when the node is lost or does not answer.
    """

    def __init__(self, parameters: Parameters, failed: Callable[[], None] = _nothing) -> None:
        self.fault: str | None = None
        self.blocked: str | None = None
        self._node_failed = failed
        self._loop = IOLoop()
        self._loop.activate_poller()
        self._waking = threading.Lock()
        self._ended = False
        self._is_closed = False
        self._is_given_up = False
        self._is_open = False
        self._connection = _Connection(
            parameters,
            on_open_callback=self._opened,
            on_open_error_callback=self._closed,
            on_close_callback=self._closed,
            custom_ioloop=self._loop,
        )
        self._connection.add_on_connection_blocked_callback(self._was_blocked)
        self._connection.add_on_connection_unblocked_callback(self._was_unblocked)

    @property
    def server_version(self) -> str:
        """The version that the broker reports."""
        properties: dict[str, Any] = self._connection.server_properties or {}
        version = properties.get("version", "")
        return version.decode(errors="replace") if isinstance(version, bytes) else str(version)

    def open(self, seconds: float) -> None:
        """Wait for the connection. Raise `queue_unavailable`."""
        self.wait(lambda: self._is_open, seconds)

    def channel(self) -> Channel:
        """Open a channel. When the broker closes it, or cancels its consumer, the link has a fault."""
        channels: list[Channel] = []
        channel = self._connection.channel(on_open_callback=channels.append)
        channel.add_on_close_callback(self._channel_closed)
        self.wait(lambda: bool(channels))
        channel.add_on_cancel_callback(lambda _: self._fail("a queue was deleted under its consumer"))
        return channel

    def together(self) -> AbstractContextManager[None]:
        """Send what is written in the block in one piece, at its end."""
        return self._connection.holding_back()

    def ask(self, question: Callable[..., object]) -> Any:
        """Call a method of a channel with `callback`, and wait for the broker's answer. Raise `queue_unavailable`."""
        answers: list[Any] = []
        question(callback=answers.append)
        self.wait(lambda: bool(answers))
        return answers[0]

    def wait(self, condition: Callable[[], object], seconds: float = ANSWER_SECONDS) -> None:
        """Exchange data until the condition is true. Raise `queue_unavailable` at a fault or at the timeout."""
        if not self.pump(condition, seconds):
            self._node_failed()
            raise unavailable(self.fault or f"no answer within {seconds:.2g} seconds")

    def pump(self, condition: Callable[[], object], seconds: float) -> bool:
        """Exchange data until the condition is true, the link fails or the time is over; return whether it is true."""
        deadline = time.monotonic() + seconds
        alarm = self._loop.call_later(max(seconds, 0.0), _nothing)
        try:
            while not condition() and self.fault is None:
                self._loop.poll()
                self._loop.process_timeouts()
                if time.monotonic() >= deadline:
                    break
        finally:
            self._loop.remove_timeout(alarm)
        return bool(condition())

    def wake(self) -> None:
        """Make a waiting `pump` check its condition. For any thread."""
        with self._waking:
            if not self._ended:
                self._loop.add_callback_threadsafe(_nothing)

    def close(self) -> None:
        """Close the connection properly, which takes a second at most, and free everything."""
        self._is_given_up = True
        if self.fault is None and self._is_open:
            with suppress(AMQPError):
                self._connection.close()
            self._pump_out()
        self.abort()

    def abort(self) -> None:
        """Close the connection at once, without the broker's answer, and free everything."""
        self._is_given_up = True
        try:
            if not self._is_closed:
                # Public `close` waits for an answer, which a frozen or blocking broker does not give.
                with suppress(AMQPError):
                    self._connection._terminate_stream(  # type: ignore[attr-defined]
                        ConnectionOpenAborted("given up")
                    )
                self._pump_out()
        finally:
            self._end_loop()

    def _end_loop(self) -> None:
        with self._waking:
            if not self._ended:
                self._ended = True
                self._loop.deactivate_poller()
                self._loop.close()

    def _pump_out(self) -> None:
        deadline = time.monotonic() + _CLOSING_SECONDS
        while not self._is_closed and time.monotonic() < deadline:
            alarm = self._loop.call_later(_CLOSING_SECONDS, _nothing)
            self._loop.poll()
            self._loop.process_timeouts()
            self._loop.remove_timeout(alarm)

    def _opened(self, _: object) -> None:
        self._is_open = True

    def _closed(self, _: object, error: BaseException) -> None:
        self._is_closed = True
        if not self._is_given_up:
            self._node_failed()
        self._fail(reason_of_end(error, self._connection.ended_by))

    def _channel_closed(self, _: Channel, error: Exception) -> None:
        if not isinstance(error, ChannelClosedByClient):
            self._fail(reason_of(error))

    def _was_blocked(self, _: object, frame: Any) -> None:
        self.blocked = f"it accepts no messages ({frame.method.reason})"

    def _was_unblocked(self, _connection: object, _frame: object) -> None:
        self.blocked = None

    def _fail(self, reason: str) -> None:
        self.fault = self.fault or reason


class Line:
    """A link that is opened when it is needed, and again after a fault or a fork. For one thread at a time."""

    def __init__(self, nodes: Nodes, role: str) -> None:
        self._nodes = nodes
        self._role = role
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._link: Link | None = None  # A child must not close its parent's connection.

    def current(self) -> Link | None:
        """Return the open link, after reading what the broker has sent meanwhile; None when there is none."""
        if self._link is None:
            return None
        self._link.pump(lambda: False, 0)
        if self._link.fault is not None:
            self.drop()
        return self._link

    def open(self) -> Link:
        """Open a new link in place of any other. Raise `queue_unavailable` within three seconds."""
        self.drop()
        self._link = open_link(self._nodes, self._role)
        return self._link

    def drop(self) -> None:
        """Close the link at once, without the broker's answer."""
        if self._link is not None:
            self._link.abort()
        self._link = None

    def close(self) -> None:
        """Close the link properly."""
        if self._link is not None:
            self._link.close()
        self._link = None


def open_link(nodes: Nodes, role: str) -> Link:
    """Connect to the first node that lets us in. Raise `queue_unavailable` within three seconds.

    The nodes that are left share the time that is left, so a frozen one costs its share and not the whole.
    """
    deadline = time.monotonic() + OPENING_SECONDS
    refusals: list[str] = []
    addresses = nodes.in_turn()
    for number, address in enumerate(addresses):
        left = deadline - time.monotonic()
        if refusals and left < NODE_SECONDS_MIN / 2:
            break
        try:
            return _open_link(nodes, address, role, min(left, max(left / (len(addresses) - number), NODE_SECONDS_MIN)))
        except OmsError as error:
            if len(addresses) == 1:
                raise
            refusals.append(f"{address.place}: {error.detail.removeprefix(PREFIX)}")
    raise unavailable("; ".join(refusals))


def _open_link(nodes: Nodes, address: Address, role: str, seconds: float) -> Link:
    link = Link(address.parameters(role), lambda: nodes.failed(address))
    try:
        link.open(seconds)
    except BaseException:
        link.abort()
        raise
    return link
