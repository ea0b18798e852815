"""The Metrics port: it takes what is counted and measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from oms_core.domain.metrics import Metric


class Metrics(Protocol):
    """It takes measurements. Thread-safe; a measurement never raises and never blocks on I/O."""

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        """Add to a counter."""
        ...

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Add one value to a histogram, in the metric's unit."""
        ...

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Say of a gauge what there is now; NaN when that is unknown. Of several processes the latest word holds."""
        ...

    def render(self) -> tuple[str, bytes]:
        """Return everything measured, over all processes of the service: the media type, and the body."""
        ...


class NoMetrics:
    """Metrics that measure nothing: the default of an embedding program."""

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        """Do nothing."""

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Do nothing."""

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Do nothing."""

    def render(self) -> tuple[str, bytes]:
        """Return an empty text."""
        return "text/plain; charset=utf-8", b""


OpenMetrics = Callable[[], Metrics]
