"""`oms serve`: what it says, what stops its start, and how it stops."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from oms_http.settings import HttpSettings
from tests.cli.conftest import Cli
from tests.cli.programs import Program
from tests.cli.serving import serving
from tests.services.tcp import LOOPBACK, free_port
from tests.services.waiting import wait_until


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program over memory, in a folder of its own."""
    return Program(folder=tmp_path, database_url="memory://")


def test_the_start_says_where_on_what_and_how_to_order(program: Program) -> None:
    with serving(program) as service:
        url = f"http://127.0.0.1:{service.port}"
        assert service.out.startswith(f"OMS answers on {url}\n")
        assert f"  docs      {url}/docs\n" in service.out
        assert f"  metrics   {url}/metrics\n" in service.out
        assert "  database  memory of this process\n" in service.out
        assert "\x1b" not in service.out
        for path in ("/docs", "/metrics", "/readyz"):
            assert service.ask("GET", path)[0] == 200


def test_the_first_order_works_as_it_is_printed(program: Program) -> None:
    with serving(program) as service:
        stock, order = (line for line in service.out.splitlines() if line.startswith("  curl "))
        for command, status in ((stock, "201"), (order, "201")):
            ran = subprocess.run(
                ["bash", "-c", f"{command} -sS -o /dev/null -w '%{{http_code}}'"],
                capture_output=True,
                text=True,
                timeout=20,
                check=True,
            )
            assert ran.stdout == status
        assert json.loads(service.ask("GET", "/v1/inventory/WIDGET")[1])["available"] == 23


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_order(program: Program, stop_signal: signal.Signals) -> None:
    with serving(program) as service:
        assert service.stop(stop_signal) == 0
        assert "Traceback" not in service.log
        with pytest.raises(ConnectionRefusedError):
            service.ask("GET", "/healthz")


def test_logs_can_be_json_lines(program: Program) -> None:
    with serving(program, "--log-format", "json") as service:
        service.stop()
        records: list[dict[str, Any]] = [json.loads(line) for line in service.log.splitlines()]
    messages = [record["message"] for record in records]
    assert f"memory of this process; 1 process of {HttpSettings().http_threads} threads" in messages
    assert {"time", "level", "logger", "process", "message"} <= set(records[0])
    assert f"ready on http://127.0.0.1:{service.port}" in messages


def test_logs_can_be_left_to_what_matters(program: Program) -> None:
    with serving(program, "--log-level", "warning") as service:
        service.stop()
        assert service.log == ""


def test_the_metrics_can_have_an_address_of_their_own(program: Program) -> None:
    port = free_port()
    with serving(program, "--metrics-address", f"127.0.0.1:{port}") as service:
        assert f"  metrics   http://127.0.0.1:{port}/metrics\n" in service.out
        assert service.ask("GET", "/metrics")[0] == 404
        service.ask("PUT", "/v1/inventory/WIDGET", {"on_hand": 1})
        status, body = service.ask("GET", "/metrics", port=port)
        assert status == 200
        counted = r'oms_http_requests_total\{method="PUT",route="/v1/inventory/[^"]*",status="201"\} 1'
        assert re.search(counted, body)
        assert service.ask("GET", "/healthz", port=port)[0] == 404


def test_clients_that_only_connect_do_not_hold_up_the_metrics_for_long(program: Program) -> None:
    port = free_port()
    with ExitStack() as ending:
        service = ending.enter_context(serving(program, "--metrics-address", f"127.0.0.1:{port}"))
        ending.enter_context(socket.create_connection((LOOPBACK, port)))
        assert service.ask("GET", "/metrics", port=port)[0] == 200
        for _ in range(100):
            ending.enter_context(socket.create_connection((LOOPBACK, port)))

        def answers() -> bool:
            with suppress(OSError, http.client.HTTPException):
                return service.ask("GET", "/metrics", port=port)[0] == 200
            return False

        wait_until(answers, 20, "silent clients were hung up on")


def test_the_metrics_can_be_on_ipv6(program: Program) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
    with serving(program, "--metrics-address", f"[::1]:{port}") as service:
        assert f"  metrics   http://[::1]:{port}/metrics\n" in service.out


def refused(program: Program, *options: str) -> tuple[int, str]:
    ran = program.run("serve", *(() if "--port" in options else ("--port", str(free_port()))), *options)
    assert ran.stdout == ""
    assert ran.stderr.count("error: ") == 1
    return ran.returncode, next(line for line in ran.stderr.splitlines() if line.startswith("error: "))


def test_a_taken_port_is_one_line(program: Program) -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]
        code, line = refused(program, "--port", str(port))
        assert (code, line) == (
            7,
            f"error: address_in_use: cannot listen on 127.0.0.1:{port}: Address already in use",
        )
        code, line = refused(program, "--port", str(free_port()), "--metrics-address", f"127.0.0.1:{port}")
        assert (code, line) == (
            7,
            f"error: address_in_use: cannot listen on 127.0.0.1:{port}: Address already in use",
        )


def test_a_service_that_finds_its_port_taken_leaves_the_database_as_it_is(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        program = Program(folder=tmp_path, database_url="sqlite:///oms.db")
        code, _ = refused(program, "--port", str(other.getsockname()[1]))
    assert (code, list(tmp_path.iterdir())) == (7, [])


def test_an_address_that_is_not_ours_is_one_line(program: Program) -> None:
    code, line = refused(program, "--metrics-address", "192.0.2.1:9464")
    assert code == 2
    assert line.startswith("error: address_unusable: cannot listen on 192.0.2.1:9464: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "10.0.0.1"])
def test_without_authentication_only_loopback_is_served(cli: Cli, host: str) -> None:
    ran = cli("serve", "--host", host, OMS_AUTH="off")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: invalid_setting: OMS_HOST: {host} is not loopback, and with OMS_AUTH=off")
    assert ran.err.count("\n") == 1


def test_off_loopback_callers_bring_keys_and_the_start_says_how_to_make_the_first(tmp_path: Path) -> None:
    program = Program(folder=tmp_path, database_url="sqlite:///new.db")
    with serving(program, "--host", "0.0.0.0") as service:
        assert "callers bring API keys, and there is none yet: oms keys create NAME --scope admin" in service.log
        assert '-H "Authorization: Bearer $API_KEY"' in service.out
        status, body = service.ask("GET", "/v1/orders")
        assert (status, json.loads(body)["code"]) == (401, "unauthenticated")


def test_a_service_on_memory_that_asks_for_keys_says_that_there_can_be_none(program: Program) -> None:
    with serving(program.under(OMS_AUTH="keys")) as service:
        assert "callers bring API keys, and no command can make one in memory://: nobody will be let in" in service.log


def test_on_loopback_the_start_says_that_no_key_is_asked_for(program: Program) -> None:
    with serving(program) as service:
        assert "authentication is off: whoever is on this machine may do everything" in service.log
        assert "Authorization" not in service.out


def test_loopback_by_its_name_is_served(program: Program) -> None:
    with serving(program, "--host", "localhost") as service:
        assert service.out.startswith("OMS answers on http://")


def test_a_host_that_is_none_is_one_line(cli: Cli) -> None:
    ran = cli("serve", "--host", "no.such.host.invalid")
    assert ran.code == 2
    assert ran.err.startswith("error: invalid_setting: OMS_HOST: 'no.such.host.invalid' is no address: ")


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        (("--port", "65536"), "OMS_PORT must be a whole number from 0 to 65535; it is 65536"),
        (("--threads", "1"), "OMS_HTTP_THREADS must be a whole number from 2 to 1024; it is 1"),
        (("--processes", "2"), "OMS_HTTP_PROCESSES: one process serves sqlite://; it is 2"),
        (
            ("--threads", "32", "--in-flight-max", "31"),
            "OMS_HTTP_IN_FLIGHT_MAX must be at least OMS_HTTP_THREADS, which is 32; it is 31",
        ),
        (("--log-format", "xml"), "OMS_LOG_FORMAT must be one of: text, json; it is 'xml'"),
        (("--log-level", "loud"), "OMS_LOG_LEVEL must be one of: debug, info, warning, error; it is 'loud'"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(cli: Cli, options: tuple[str, ...], detail: str) -> None:
    ran = cli("serve", *options, OMS_PORT="8081")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"error: invalid_setting: {detail}\n"


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        (("--metrics-address", "9464"), "OMS_METRICS_ADDRESS must be host:port, such as 127.0.0.1:9464; it is '9464'"),
        (("--database-url", "mysql://x/y"), "OMS_DATABASE_URL: nothing installed serves mysql:// (known: memory, "),
        (("--database-url", "sqlite:///no/such/folder/oms.db"), "OMS_DATABASE_URL: there is no folder "),
    ],
)
def test_an_address_that_leads_nowhere_is_one_line(program: Program, options: tuple[str, ...], detail: str) -> None:
    code, line = refused(program, *options)
    assert code == 2
    assert line.startswith(f"error: invalid_setting: {detail}")


def test_a_database_that_is_away_is_one_line(program: Program) -> None:
    url = f"postgresql://oms:s3cret@127.0.0.1:{free_port()}/oms"
    away = program.under(OMS_DATABASE_URL=url, OMS_STORAGE_DEADLINE_SECONDS="1")
    code, line = refused(away)
    assert code == 7
    assert line.startswith("error: storage_unavailable: ")
    assert "s3cret" not in line


def test_an_old_schema_stops_the_start_and_names_the_command(program: Program, postgresql_url: str) -> None:
    code, line = refused(program, "--database-url", postgresql_url)
    assert code == 7
    assert line.startswith("error: schema_outdated: ")
    assert "`oms db upgrade`" in line


def test_serving_makes_a_missing_sqlite_file(tmp_path: Path) -> None:
    program = Program(folder=tmp_path, database_url="sqlite:///shop.db")
    with serving(program) as service:
        assert f"  database  SQLite file {tmp_path / 'shop.db'}" in service.out
        assert program.run("inventory", "set", "WIDGET", "5").returncode == 0
        assert json.loads(service.ask("GET", "/v1/inventory/WIDGET")[1])["available"] == 5


def test_a_batch_and_an_import_may_be_larger_than_a_request(tmp_path: Path) -> None:
    program = Program(folder=tmp_path, database_url="sqlite:///shop.db")
    order = {"customer_id": "C1", "lines": [{"sku": "W", "quantity": 1}], "metadata": {"note": "x" * 500}}
    with serving(program) as service:
        rows = "sku,quantity,name\n" + "W,1000,\n" + "".join(f"SKU-{n},1,{'x' * 200}\n" for n in range(6_000))
        status, report = service.ask("POST", "/v1/inventory/import", rows.encode())
        assert (status, json.loads(report)["applied"]) == (200, 6_001)
        orders = [{**order, "metadata": {str(n): "x" * 500 for n in range(3)}} for _ in range(900)]
        status, outcomes = service.ask("POST", "/v1/orders/batch", {"orders": orders})
        assert (status, {outcome["status"] for outcome in json.loads(outcomes)["outcomes"]}) == (200, {201})
        assert service.ask("POST", "/v1/orders", {**order, "reference": "x" * 1_100_000})[0] == 413


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    program = Program(folder=tmp_path, database_url="sqlite:///shop.db")
    order = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}
    with serving(program) as service:
        service.ask("PUT", "/v1/inventory/WIDGET", {"on_hand": 10})
        placed = [service.ask("POST", "/v1/orders", order)[0] for _ in range(4)]
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
    assert placed == [201] * 4
    with serving(program) as service:
        assert json.loads(service.ask("GET", "/v1/inventory/WIDGET")[1])["available"] == 6
    assert program.run("audit").returncode == 0


def test_two_processes_serve_postgresql_and_share_their_metrics(program: Program, postgresql_url: str) -> None:
    program = program.under(OMS_DATABASE_URL=postgresql_url)
    assert program.run("db", "upgrade").returncode == 0
    with serving(program) as service:
        assert f"; 2 processes of {HttpSettings().http_threads} threads" in service.log
        service.ask("PUT", "/v1/inventory/WIDGET", {"on_hand": 1_000})
        order = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}
        assert [service.ask("POST", "/v1/orders", order)[0] for _ in range(40)] == [201] * 40
        for _ in range(5):  # Whichever process answers, it knows of all of them.
            assert 'oms_orders_decided_total{outcome="placed"} 40' in service.ask("GET", "/metrics")[1]
