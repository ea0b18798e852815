"""Metrics on prometheus_client: what was counted is shown, over threads and over processes."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from oms_prometheus import PrometheusMetrics, open_metrics
from prometheus_client.parser import text_string_to_metric_families

from oms_core import bootstrap
from oms_core.domain.metrics import (
    ALL_METRICS,
    HTTP_REQUESTS,
    ORDERS_DECIDED,
    PLACEMENT_BATCH_ORDERS,
    QUEUED_ORDERS,
    MetricKind,
)

PROGRAM_SECONDS = 60


def samples(body: bytes) -> dict[tuple[str, ...], float]:
    """Give every sample by its name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def run(program: str, **environment: str) -> str:
    """Run a program in a process of its own, as the mode is chosen when prometheus_client is imported."""
    kept = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_counted_is_shown() -> None:
    metrics = PrometheusMetrics()
    metrics.count(HTTP_REQUESTS, "GET", "/v1/orders", "200")
    metrics.count(HTTP_REQUESTS, "GET", "/v1/orders", "200", amount=2)
    metrics.count(ORDERS_DECIDED, "placed")
    media_type, body = metrics.render()
    assert media_type.startswith("text/plain; version=")
    found = samples(body)
    assert found["oms_http_requests_total", "GET", "/v1/orders", "200"] == 3
    assert found["oms_orders_decided_total", "placed"] == 1


def test_what_was_observed_falls_into_the_buckets() -> None:
    metrics = PrometheusMetrics()
    for orders in (1, 3, 3, 1_000):
        metrics.observe(PLACEMENT_BATCH_ORDERS, orders)
    found = samples(metrics.render()[1])
    buckets = {bound: found["oms_placement_batch_orders_bucket", bound] for bound in ("1.0", "2.0", "5.0", "+Inf")}
    assert buckets == {"1.0": 1, "2.0": 1, "5.0": 3, "+Inf": 4}
    assert (found["oms_placement_batch_orders_sum",], found["oms_placement_batch_orders_count",]) == (1_007, 4)


def test_of_a_gauge_the_last_value_is_shown() -> None:
    metrics = PrometheusMetrics()
    metrics.set(QUEUED_ORDERS, 7)
    metrics.set(QUEUED_ORDERS, 3)
    assert samples(metrics.render()[1])["oms_queued_orders",] == 3


@pytest.mark.parametrize("metric", ALL_METRICS, ids=lambda metric: metric.name)
def test_every_metric_of_the_table_can_be_measured(metric: object) -> None:
    metrics = PrometheusMetrics()
    (found,) = (entry for entry in ALL_METRICS if entry is metric)
    labels = [f"value of {name}" for name in found.labels]
    if found.kind is MetricKind.COUNTER:
        metrics.count(found, *labels)
    elif found.kind is MetricKind.GAUGE:
        metrics.set(found, 1, *labels)
    else:
        metrics.observe(found, 1, *labels)
    body = metrics.render()[1].decode()
    assert found.explanation in body
    assert f"# TYPE {found.name.removesuffix('_total')}" in body


def test_two_instances_do_not_count_for_each_other() -> None:
    one, other = PrometheusMetrics(), PrometheusMetrics()
    one.count(ORDERS_DECIDED, "placed")
    other.count(ORDERS_DECIDED, "placed", amount=5)
    assert samples(one.render()[1])["oms_orders_decided_total", "placed"] == 1


def test_threads_lose_no_count() -> None:
    metrics = PrometheusMetrics()
    start = threading.Barrier(8)

    def count() -> None:
        start.wait()
        for _ in range(500):
            metrics.count(ORDERS_DECIDED, "placed")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert samples(metrics.render()[1])["oms_orders_decided_total", "placed"] == 4_000


def test_the_core_finds_it_by_its_entry_point() -> None:
    assert isinstance(bootstrap.open_metrics(), PrometheusMetrics)


COUNTING = """
    from oms_core.domain.metrics import ORDERS_DECIDED, PLACEMENT_BATCH_ORDERS
    from oms_core.bootstrap import open_metrics
    metrics = open_metrics()
    metrics.count(ORDERS_DECIDED, "placed", amount=3)
    metrics.observe(PLACEMENT_BATCH_ORDERS, 4)
"""


def test_processes_that_share_a_folder_are_summed_also_after_they_ended(tmp_path: Path) -> None:
    folder = str(tmp_path)
    for _ in range(3):
        run(COUNTING, PROMETHEUS_MULTIPROC_DIR=folder)
    shown = run(
        "from oms_core.bootstrap import open_metrics; print(open_metrics().render()[1].decode())",
        PROMETHEUS_MULTIPROC_DIR=folder,
    )
    found = samples(shown.encode())
    assert found["oms_orders_decided_total", "placed"] == 9
    assert (found["oms_placement_batch_orders_bucket", "5.0"], found["oms_placement_batch_orders_sum",]) == (3, 12)


def test_of_processes_that_set_a_gauge_the_last_word_holds_and_not_the_sum(tmp_path: Path) -> None:
    folder = str(tmp_path)
    program = """
        import sys
        from oms_core.bootstrap import open_metrics
        from oms_core.domain.metrics import QUEUED_ORDERS
        metrics = open_metrics()
        metrics.set(QUEUED_ORDERS, {})
        print(metrics.render()[1].decode())
    """
    shown = [run(program.format(depth), PROMETHEUS_MULTIPROC_DIR=folder) for depth in (50, 7)]
    assert [samples(text.encode())["oms_queued_orders",] for text in shown] == [50, 7]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_forked_child_counts_into_a_file_of_its_own(tmp_path: Path) -> None:
    program = (
        COUNTING
        + """
    import os
    child = os.fork()
    metrics.count(ORDERS_DECIDED, "placed", amount=10)
    if child:
        assert os.waitpid(child, 0)[1] == 0
        print(metrics.render()[1].decode())
"""
    )
    found = samples(run(program, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)).encode())
    assert found["oms_orders_decided_total", "placed"] == 23


def test_a_folder_named_too_late_is_an_error_and_not_a_wrong_sum(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with pytest.raises(RuntimeError, match="before prometheus_client is imported"):
        open_metrics()
