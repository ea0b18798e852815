"""What the image and the units allow is enough: the locked packages serve, and place what is queued, from there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.deploy.lean import confined, create_lean_environment
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port
from tests.services.waiting import wait_until

SECONDS = 60


@pytest.fixture(scope="module")
def programs(test_run: Run, wheel: Path) -> Path:
    return create_lean_environment(test_run.new_folder("lean"), wheel)


@pytest.fixture
def vhost(rabbitmq_url: str, unique_name: str) -> Iterator[RabbitmqVhost]:
    vhost = RabbitmqVhost(rabbitmq_url, unique_name)
    yield vhost
    vhost.delete_all()


@pytest.fixture
def environment(postgresql_url: str, redis_url: str, vhost: RabbitmqVhost, tmp_path: Path) -> dict[str, str]:
    """Variables as in compose.yaml: URLs with passwords come in files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    variables = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    for name, url in {"DATABASE": postgresql_url, "QUEUE": vhost.url, "RATE_LIMIT": redis_url}.items():
        (tmp_path / name).write_text(f"{url}\n")
        variables[f"OMS_{name}_URL_FILE"] = str(tmp_path / name)
    return {**variables, "OMS_QUEUE_PREFIX": vhost.prefix}


def start(command: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(
            confined(command, Path(environment["TMPDIR"])),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment,
            cwd="/",
            start_new_session=True,
        )


@contextlib.contextmanager
def running(command: list[str], environment: Mapping[str, str], log: Path, sign: str) -> Iterator[None]:
    """Run a program until it has given a sign, stop it in order, and see that it ends well."""
    process = start(command, environment, log)
    try:
        wait_until(lambda: sign in log.read_text() or process.poll() is not None, SECONDS, sign)
        assert process.poll() is None, log.read_text()
        yield
        process.terminate()
        assert process.wait(SECONDS) == 0, log.read_text()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ask(url: str, document: object = None, method: str = "GET", **headers: str) -> tuple[int, str]:
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_service_and_worker_do_their_work(programs: Path, environment: dict[str, str], tmp_path: Path) -> None:
    oms, port = str(programs / "oms"), free_port()
    url, log = f"http://{LOOPBACK}:{port}", tmp_path / "serve.log"
    upgrade = start([oms, "db", "upgrade"], environment, tmp_path / "upgrade.log")
    assert upgrade.wait(SECONDS) == 0, (tmp_path / "upgrade.log").read_text()
    serve = [oms, "serve", "--port", str(port), "--metrics-address", f"{LOOPBACK}:{free_port()}"]
    worker = [oms, "worker", "--processes", "2", "--metrics-address", f"{LOOPBACK}:{free_port()}"]
    with (
        running(serve, environment, log, "ready on"),
        running(worker, environment, tmp_path / "worker.log", "metrics on"),
    ):
        assert ask(f"{url}/v1/inventory/WIDGET", {"on_hand": 5}, "PUT")[0] in {200, 201}
        order = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}
        status, body = ask(f"{url}/v1/orders", order, "POST", Prefer="respond-async, wait=30")
        assert (status, json.loads(body)["status"]) == (201, "pending"), body
        big = "sku,quantity\n" + "".join(f"S{number},1\n" for number in range(20_000))
        assert upload(f"{url}/v1/inventory/import", big.encode()) == 200, "it is spooled to the one writable folder"
    assert "Traceback" not in log.read_text()


def upload(url: str, body: bytes) -> int:
    request = urllib.request.Request(url, body, {"Content-Type": "text/csv"}, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


def test_nothing_else_can_be_written(environment: dict[str, str], tmp_path: Path) -> None:
    """A control of the place itself."""
    inside, outside = Path(environment["TMPDIR"]) / "a", tmp_path / "b"
    for path, outcome in ((inside, 0), (outside, 1)):
        process = start(["/bin/sh", "-c", f"echo > {path}"], environment, tmp_path / "control.log")
        assert bool(process.wait(SECONDS)) == bool(outcome)
