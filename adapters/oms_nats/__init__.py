"""The broker on NATS JetStream: announcements of orders, commands from other services, dead letters, domain events."""

from oms_nats.broker import NatsBroker, open_broker

__all__ = ["NatsBroker", "open_broker"]
