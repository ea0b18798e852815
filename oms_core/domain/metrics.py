"""The metrics that the service reports, each named once in a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    """Whether a metric only grows, is how much there is now, or is a distribution."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: its name ends in its unit; `labels` names the labels in the order in which values are given."""

    name: str
    kind: MetricKind
    explanation: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


ORDERS_DECIDED = Metric(
    name="oms_orders_decided_total",
    kind=MetricKind.COUNTER,
    explanation="Orders placed, replayed or refused; outcome is placed, replayed or an error code.",
    labels=("outcome",),
)
PLACEMENT_BATCH_ORDERS = Metric(
    name="oms_placement_batch_orders",
    kind=MetricKind.HISTOGRAM,
    explanation="Orders that shared one placement transaction.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
HTTP_REQUESTS = Metric(
    name="oms_http_requests_total",
    kind=MetricKind.COUNTER,
    explanation="Answered requests by method, route and status.",
    labels=("method", "route", "status"),
)
HTTP_REQUEST_SECONDS = Metric(
    name="oms_http_request_duration_seconds",
    kind=MetricKind.HISTOGRAM,
    explanation="Time in the application, by method and route.",
    labels=("method", "route"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ANNOUNCEMENTS = Metric(
    name="oms_announcements_total",
    kind=MetricKind.COUNTER,
    explanation="Accepted orders that were announced to the queue; lost ones are found by the workers' sweep.",
    labels=("outcome",),
)
SWEPT_ORDERS = Metric(
    name="oms_swept_orders_total",
    kind=MetricKind.COUNTER,
    explanation="Queued orders that a worker found in the database, because no message had brought them.",
)
DEAD_LETTERS = Metric(
    name="oms_dead_letters_total",
    kind=MetricKind.COUNTER,
    explanation="Messages that could not be read or accepted, by error code.",
    labels=("code",),
)
EVENTS_PUBLISHED = Metric(
    name="oms_events_published_total",
    kind=MetricKind.COUNTER,
    explanation="Domain events that the broker has confirmed.",
)
RATE_LIMITER_FALLBACKS = Metric(
    name="oms_rate_limiter_fallbacks_total",
    kind=MetricKind.COUNTER,
    explanation="Charges that a process counted by itself because the shared rate limiter was away.",
)
AUTHENTICATION_REFUSALS = Metric(
    name="oms_authentication_refusals_total",
    kind=MetricKind.COUNTER,
    explanation="Callers that were not let in; reason is no_key, bad_key, ended_key or limited (too many before).",
    labels=("reason",),
)
QUEUED_ORDERS = Metric(
    name="oms_queued_orders",
    kind=MetricKind.GAUGE,
    explanation="Accepted orders that wait to be placed: exact below 10,000, then an upper bound.",
)
QUEUE_OLDEST_AGE = Metric(
    name="oms_queue_oldest_age_seconds",
    kind=MetricKind.GAUGE,
    explanation="How long the oldest order has waited to be placed; 0 when none waits.",
)
QUEUE_WORKERS = Metric(
    name="oms_queue_workers",
    kind=MetricKind.GAUGE,
    explanation="Workers that are alive, over all hosts.",
)
FAILED_ORDERS = Metric(
    name="oms_failed_orders",
    kind=MetricKind.GAUGE,
    explanation="Accepted orders that were given up and wait for an operator, counted up to 10,000.",
)
HOLDS_OVERDUE = Metric(
    name="oms_holds_overdue",
    kind=MetricKind.GAUGE,
    explanation="Held orders whose time has run out and that wait for the sweep, counted up to 10,000.",
)
REPLICA_READS = Metric(
    name="oms_replica_reads_total",
    kind=MetricKind.COUNTER,
    explanation="Lists, exports and pages of audits, where there is a replica; outcome is replica, or why the primary "
    "was asked: late, away, failed or not_found.",
    labels=("outcome",),
)
REPLICA_LAG_SECONDS = Metric(
    name="oms_replica_lag_seconds",
    kind=MetricKind.HISTOGRAM,
    explanation="How old the replica was at most, each time that it was looked at.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
ALL_METRICS = (
    ORDERS_DECIDED,
    PLACEMENT_BATCH_ORDERS,
    HTTP_REQUESTS,
    HTTP_REQUEST_SECONDS,
    ANNOUNCEMENTS,
    SWEPT_ORDERS,
    DEAD_LETTERS,
    EVENTS_PUBLISHED,
    RATE_LIMITER_FALLBACKS,
    AUTHENTICATION_REFUSALS,
    QUEUED_ORDERS,
    QUEUE_OLDEST_AGE,
    QUEUE_WORKERS,
    FAILED_ORDERS,
    HOLDS_OVERDUE,
    REPLICA_READS,
    REPLICA_LAG_SECONDS,
)
