"""A queue on RabbitMQ: announcements of orders, commands from other services, dead letters and domain events."""

from oms_rabbitmq.queue import RabbitmqQueue, open_queue

__all__ = ["RabbitmqQueue", "open_queue"]
