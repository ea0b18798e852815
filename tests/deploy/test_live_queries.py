"""A Prometheus with the scrape configuration of deploy/ finds, in a running service and worker, what is asked of it."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from oms_core import Oms, SetStock, Settings
from oms_core.domain.metrics import ALL_METRICS, MetricKind
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.cli.programs import Program
from tests.cli.serving import serving
from tests.cli.working import CALLER, accept, working
from tests.deploy.queries import Query, dashboard_queries
from tests.deploy.tools import DEPLOY, program
from tests.services.databases import PostgresqlServer
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port
from tests.services.waiting import wait_until

SECONDS = 60
NOBODY = "redis://127.0.0.1:1/0"
# There is one database, and so no replica to read.
WITHOUT_REPLICA = [query for query in dashboard_queries() if "oms_replica_" not in query.text]
METRICS = [metric for metric in ALL_METRICS if not metric.name.startswith("oms_replica_")]
ORDER = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}


@pytest.fixture(scope="module")
def prometheus(
    postgresql_server: PostgresqlServer, rabbitmq_url: str, test_run: Run, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a Prometheus that watches a service and a worker to whom everything has happened."""
    folder, vhost = tmp_path_factory.mktemp("prometheus"), RabbitmqVhost(rabbitmq_url, test_run.unique_name())
    ports = {"serve:9464": free_port(), "worker:9464": free_port()}
    with ExitStack() as running:
        url = running.enter_context(postgresql_server.database())
        oms = Program(folder=folder, database_url=url).under(
            OMS_QUEUE_URL=rabbitmq_url, OMS_QUEUE_PREFIX=vhost.prefix, OMS_RATE_LIMIT_URL=NOBODY, OMS_AUTH="keys"
        )
        assert oms.run("db", "upgrade").returncode == 0
        key = oms.run("keys", "create", "shop", "--scope", "admin").stdout.strip()
        running.callback(vhost.delete_all)
        serve, worker = ([f"--metrics-address={LOOPBACK}:{port}"] for port in ports.values())
        service = running.enter_context(serving(oms, *serve))
        running.enter_context(working(oms, *worker))
        address = running.enter_context(scraping(folder, ports))
        wait_until(lambda: asked(address, "count(up == 1) == 2"), SECONDS, "both are scraped")
        provoke(f"http://{LOOPBACK}:{service.port}", key, vhost, url)
        yield address


@contextmanager
def scraping(folder: Path, ports: Mapping[str, int]) -> Iterator[str]:
    """Run Prometheus on the configuration of deploy/, with these ports for its targets, twice a second."""
    configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(DEPLOY / "prometheus" / "alerts.yml")]
    for target in configuration["scrape_configs"][0]["static_configs"]:
        target["targets"] = [f"{LOOPBACK}:{ports[name]}" for name in target["targets"]]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"{LOOPBACK}:{free_port()}"
    command = [program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address={address}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(SECONDS)


def asked(address: str, query: str) -> list[Any]:
    """Ask Prometheus; it answers nothing while it starts."""
    url = f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(url) as answer:
            return list(json.load(answer)["data"]["result"])
    except (ConnectionError, urllib.error.URLError):
        return []


def post(url: str, document: object, **headers: str) -> int:
    """Send JSON, and give the status of the answer."""
    fields = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, data=json.dumps(document).encode(), headers=fields)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def provoke(url: str, key: str, vhost: RabbitmqVhost, database_url: str) -> None:
    """Let everything happen that is counted."""
    with Oms.open(Settings(database_url=database_url)) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=1_000), caller=CALLER)
        accept(oms, 1)  # Announced in this process alone, so the worker finds it by its sweep.
    known = {"Authorization": f"Bearer {key}"}
    assert post(f"{url}/v1/orders", ORDER) == 401
    assert post(f"{url}/v1/orders", ORDER, **known) == 201
    assert post(f"{url}/v1/orders", ORDER, Prefer="respond-async", **known) == 202
    vhost.send_command(b"no order")


@pytest.mark.parametrize("query", WITHOUT_REPLICA, ids=lambda query: query.name)
def test_a_query_of_the_dashboard_has_an_answer(query: Query, prometheus: str) -> None:
    wait_until(lambda: asked(prometheus, query.text), SECONDS, query.text)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_the_labels_that_its_row_in_the_table_names(metric: Any, prometheus: str) -> None:
    name = f"{metric.name}_count" if metric.kind is MetricKind.HISTOGRAM else metric.name
    found = wait_until(lambda: asked(prometheus, name), SECONDS, name)
    labels = {label for series in found for label in series["metric"]}
    assert labels == {"__name__", "instance", "job", "role", *metric.labels}
    assert {series["metric"]["role"] for series in found} <= {"serve", "worker"}


def test_no_alert_goes_off_while_all_is_well(prometheus: str) -> None:
    with urllib.request.urlopen(f"{prometheus}/api/v1/rules") as answer:
        (group,) = json.load(answer)["data"]["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
    firing = {rule["name"] for rule in group["rules"] if rule["state"] == "firing"}
    assert firing <= {"OmsDeadLetters"}, "which was provoked"
