"""What the port does not offer, and the contract has to do: each adapter's test module says how."""

from __future__ import annotations

from oms_core.ports.broker import Broker

PASSWORD = "guest"  # noqa: S105  A broker's own default; it is to be looked for, not to be kept.

HUGE_BYTES = 8 * 1_048_576


class BrokerHooks:
    """To be overridden by the test module of an adapter."""

    def send_command(self, broker: Broker, body: bytes) -> None:
        """Bring a command in as another service would; the inboxes get it."""
        raise NotImplementedError

    def huge_body_bytes(self, broker: Broker) -> int:  # noqa: ARG002  An adapter may ask it.
        """Return the size of the largest body to try: 8 MiB, or what the broker takes at most if that is less."""
        return HUGE_BYTES
