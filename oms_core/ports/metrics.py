"""The Metrics port: where what is counted and measured goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from oms_core.domain.metrics import Metric


class Metrics(Protocol):
    """Where measurements go. Thread-safe; never raises for a measurement, never blocks on I/O."""

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        """Add to a counter."""
        ...

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Add one value to a histogram, in the metric's unit."""
        ...

    def render(self) -> tuple[str, bytes]:
        """Return everything measured, over all processes of the service: the media type, and the body."""
        ...


class NoMetrics:
    """Measures nothing: what an embedding program gets unless it asks for more."""

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        """Forget it."""

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Forget it."""

    def render(self) -> tuple[str, bytes]:
        """Return an empty text."""
        return "text/plain; charset=utf-8", b""


OpenMetrics = Callable[[], Metrics]
