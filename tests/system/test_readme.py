"""Every command of the README is run as it stands there, against the service that `make run` starts."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.tcp import free_port
from tests.system.made_run import ROOT, MadeRun, made_run

README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(README) if found == language]


def block_with(words: str) -> str:
    (text,) = [text for text in blocks("sh") if words in text]
    return text


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeRun]:
    with made_run(tmp_path_factory.mktemp("readme")) as running:
        yield running


def run(text: str, service: MadeRun) -> subprocess.CompletedProcess[str]:
    """Run a block as it stands, with this run's address and programs in the place of the usual ones."""
    command = text.replace("http://127.0.0.1:8080", service.url).replace(".venv/bin/", f"{Path(sys.prefix)}/bin/")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=service.folder,
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    named = re.findall(r"^make (\w+)", blocks("sh")[0], re.MULTILINE)
    assert named == ["run", "test"]
    for target in named:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_a_first_order_with_curl_makes_available_fall(service: MadeRun) -> None:
    result = run(block_with("cart-1"), service)
    assert result.returncode == 0, result.stderr
    assert '"total":"25.00"' in result.stdout
    assert re.findall(r'"available":(\d+),"locations"', result.stdout) == ["25", "23"]


def test_an_order_for_too_much_is_refused_with_the_figures(service: MadeRun) -> None:
    run(block_with("cart-1"), service)
    result = run(block_with('"quantity": 500'), service)
    assert '"code":"insufficient_inventory"' in result.stdout
    assert '"requested":500,"available":23' in result.stdout


def test_the_commands_of_the_cli_run_beside_the_service(service: MadeRun) -> None:
    result = run(block_with("oms inventory set"), service)
    assert result.returncode == 0, result.stderr
    assert "GADGET main: on_hand 0 -> 10, reserved 0, available 10" in result.stdout


def test_a_key_is_printed_once_and_listed_without_its_secret(service: MadeRun) -> None:
    result = run(block_with("oms keys create"), service)
    assert result.returncode == 0, result.stderr
    key, _, listed = result.stdout.partition("\n")
    assert re.fullmatch(r"oms_[0-9a-f]{32}_[0-9a-f]{64}", key)
    assert re.search(r"^shop +1 +active +orders:read orders:write ", listed, re.MULTILINE)
    assert key[-64:] not in listed


def test_an_order_is_accepted_at_once_and_placed_by_the_worker(tmp_path: Path) -> None:
    with made_run(tmp_path) as service:  # Of its own: the figures of the other blocks must not depend on this one.
        run(block_with("cart-1"), service)
        result = run(block_with("respond-async"), service)
        shown = run("curl -s http://127.0.0.1:8080/v1/inventory/WIDGET", service)
    assert result.returncode == 0, result.stderr
    accepted, _, placed = result.stdout.rstrip().rpartition("\n")
    assert accepted.startswith("HTTP/1.1 202")
    assert '"status":"queued"' in accepted
    assert '"status":"pending"' in placed
    assert '"reserved":3,"available":22' in shown.stdout


def test_one_request_too_many_is_answered_with_429_and_how_long_to_wait(service: MadeRun) -> None:
    block = block_with("OMS_RATE_LIMITS").replace("8081", str(free_port()))
    result = run(block, service)
    assert result.returncode == 0, result.stderr
    assert re.findall(r"^HTTP/1.1 (\d+)", result.stdout, re.MULTILINE) == ["200", "200", "429"]
    assert re.findall(r'^ratelimit: "inventory.read";r=(\d)', result.stdout, re.MULTILINE | re.IGNORECASE) == [
        "1",
        "0",
        "0",
    ]
    assert re.search(r"^retry-after: \d+", result.stdout, re.MULTILINE | re.IGNORECASE)
    assert '"code":"rate_limited"' in result.stdout


def test_the_python_program_runs_as_it_stands(tmp_path: Path) -> None:
    (text,) = blocks("python")
    result = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["pending", "7.00", "3"]


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_no_block_of_the_readme_is_left_unrun() -> None:
    assert len(blocks("sh")) == 7, "a new block needs a test of its own"
    assert len(blocks("python")) == 1
