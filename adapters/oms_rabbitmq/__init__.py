"""The broker on RabbitMQ: announcements of orders, commands from other services, dead letters and domain events."""

from oms_rabbitmq.broker import RabbitmqBroker, open_broker

__all__ = ["RabbitmqBroker", "open_broker"]
