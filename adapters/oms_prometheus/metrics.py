"""The Metrics port on prometheus_client."""

from __future__ import annotations

import os
import threading

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from oms_core.domain.metrics import Metric
from oms_core.ports.metrics import Metrics
from oms_core.runtime.forks import begin_in_each_process

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


class PrometheusMetrics:
    """Metrics of this process or, with a `folder`, of all processes that use the same one.

    The folder is prometheus_client's multiprocess mode: it must be empty when the service starts, and be named in
    PROMETHEUS_MULTIPROC_DIR before prometheus_client is first imported. Counts of ended processes stay in it, so a
    total never falls. Without a folder each instance counts for itself; with one, a process needs one instance only.
    """

    def __init__(self, *, folder: str | None = None) -> None:
        """Count in memory, or in `folder`. Raise RuntimeError if prometheus_client was imported for the other mode."""
        if bool(folder) is not values.ValueClass._multiprocess:
            raise RuntimeError(f"{FOLDER_VARIABLE} must be set, or not, before prometheus_client is imported")
        self._folder = folder
        self._registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._gauges: dict[str, Gauge] = {}
        # prometheus_client looks the labels up under a lock, which takes longer than counting.
        self._labelled_counters: dict[tuple[str, tuple[str, ...]], Counter] = {}
        self._labelled_histograms: dict[tuple[str, tuple[str, ...]], Histogram] = {}
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._creating = threading.Lock()

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        counter = self._labelled_counters.get((metric.name, labels)) or self._labelled_counter(metric, labels)
        counter.inc(amount)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        histogram = self._labelled_histograms.get((metric.name, labels)) or self._labelled_histogram(metric, labels)
        histogram.observe(value)

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        gauge = self._gauges.get(metric.name) or self._create_gauge(metric)
        (gauge.labels(*labels) if labels else gauge).set(value)

    def render(self) -> tuple[str, bytes]:
        """Return everything measured, in Prometheus's exposition format."""
        registry = self._registry
        if self._folder:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=self._folder)  # type: ignore[no-untyped-call]  # Theirs is untyped.
        return CONTENT_TYPE_LATEST, generate_latest(registry)

    def _labelled_counter(self, metric: Metric, labels: tuple[str, ...]) -> Counter:
        counter = self._counters.get(metric.name) or self._create_counter(metric)
        labelled = counter.labels(*labels) if labels else counter
        return self._labelled_counters.setdefault((metric.name, labels), labelled)

    def _labelled_histogram(self, metric: Metric, labels: tuple[str, ...]) -> Histogram:
        histogram = self._histograms.get(metric.name) or self._create_histogram(metric)
        labelled = histogram.labels(*labels) if labels else histogram
        return self._labelled_histograms.setdefault((metric.name, labels), labelled)

    def _create_counter(self, metric: Metric) -> Counter:
        with self._creating:
            if metric.name not in self._counters:
                self._counters[metric.name] = Counter(
                    metric.name, metric.explanation, metric.labels, registry=self._registry
                )
            return self._counters[metric.name]

    def _create_histogram(self, metric: Metric) -> Histogram:
        with self._creating:
            if metric.name not in self._histograms:
                self._histograms[metric.name] = Histogram(
                    metric.name, metric.explanation, metric.labels, registry=self._registry, buckets=metric.buckets
                )
            return self._histograms[metric.name]

    def _create_gauge(self, metric: Metric) -> Gauge:
        with self._creating:
            if metric.name not in self._gauges:
                self._gauges[metric.name] = Gauge(
                    metric.name,
                    metric.explanation,
                    metric.labels,
                    registry=self._registry,
                    multiprocess_mode="mostrecent",
                )
            return self._gauges[metric.name]


def open_metrics() -> Metrics:
    """Open the metrics of this process, or of all that share the folder in PROMETHEUS_MULTIPROC_DIR."""
    return PrometheusMetrics(folder=os.environ.get(FOLDER_VARIABLE))
