"""The real servers of the tests: found or started, shared by a run's processes, stopped at its end."""

from tests.services.tcp import free_port
from tests.services.unusable import ServerUnusable
from tests.services.waiting import DeadlinePassed, wait_until

__all__ = ["DeadlinePassed", "ServerUnusable", "free_port", "wait_until"]
