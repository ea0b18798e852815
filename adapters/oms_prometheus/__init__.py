"""Metrics on prometheus_client, for one process or summed over several."""

from oms_prometheus.metrics import PrometheusMetrics, open_metrics

__all__ = ["PrometheusMetrics", "open_metrics"]
