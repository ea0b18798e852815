"""Whole test runs, each in a process of its own: what is shared, said, skipped, failed and left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.services import ServerUnusable, redis, wait_until
from tests.services.wheels import ROOT

RUN_SECONDS = 60
USES_REDIS = """
def test_redis(redis_url, tmp_path_factory): pass
"""
# Two tests that meet, so that they run in two processes at the same time.
MEETING = """
import os, pathlib, pytest
from tests.services import wait_until

@pytest.mark.parametrize("me, other", [("a", "b"), ("b", "a")])
def test_meets(redis_url, me, other):
    folder = pathlib.Path(os.environ["MEETING_FOLDER"])
    (folder / me).write_text(redis_url)
    wait_until((folder / other).exists, 30, "the other is there")
"""
# A test that stays until somebody ends its run.
STAYING = MEETING.replace('("a", "b"), ("b", "a")', '("a", "never")')

Pytest = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_pytest(tmp_path: Path) -> Pytest:
    """Start pytest on one made test file, with private servers only, unless the environment says more."""

    def start(source: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        (tmp_path / "test_made.py").write_text(source)
        (tmp_path / "pytest.ini").write_text("[pytest]")
        made = ["-p", "tests.services.plugin", "-p", "no:cacheprovider", "-ra", "--rootdir", str(tmp_path)]
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *made, "-c", str(tmp_path / "pytest.ini"), *options, str(tmp_path)],
            cwd=ROOT,
            env=bare_environment(tmp_path) | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def bare_environment(folder: Path) -> dict[str, str]:
    """Ours, without what steers a test run; TMPDIR shows what a run leaves behind."""
    temporary = folder / "temporary"
    temporary.mkdir()
    steering = ("OMS_", "PYTEST_", "CI")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return kept | {
        "OMS_TEST_PRIVATE_SERVERS": "1",
        "MEETING_FOLDER": str(folder),
        "TMPDIR": str(temporary),
    }


def ended(run: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = run.communicate(timeout=RUN_SECONDS)
    return run.returncode, output


def text_of(file: Path) -> str:
    """Read what was written; nothing while there is no file yet."""
    return file.read_text() if file.exists() else ""


def is_answering(url: str) -> bool:
    try:
        redis.check(url)
    except ServerUnusable:
        return False
    return True


def without_programs(folder: Path) -> Mapping[str, str]:
    """Hide redis-server, wherever it is."""
    return {"PATH": str(folder)}


def test_the_processes_of_a_run_share_one_private_server_that_ends_with_it(
    start_pytest: Pytest, tmp_path: Path
) -> None:
    status, output = ended(start_pytest(MEETING, "-n", "2"))
    assert status == 0, output
    url = (tmp_path / "a").read_text()
    assert url == (tmp_path / "b").read_text()
    assert not is_answering(url)
    assert not list(tmp_path.glob("temporary/oms-tests-*"))


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_killed_run_leaves_no_server_and_no_folder(start_pytest: Pytest, tmp_path: Path, processes: str) -> None:
    run = start_pytest(STAYING, "-n", processes)
    url = wait_until(lambda: text_of(tmp_path / "a"), RUN_SECONDS, "its server has been started")
    assert is_answering(url)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    wait_until(lambda: not is_answering(url), 15, "its server has ended")
    wait_until(lambda: not list(tmp_path.glob("temporary/oms-tests-*")), 15, "its folder is gone")


def test_a_run_says_at_its_start_which_servers_it_uses(start_pytest: Pytest, redis_url: str) -> None:
    _, output = ended(start_pytest(USES_REDIS, OMS_TEST_REDIS_URL=redis_url))
    assert f"Redis: {redis_url.removeprefix('redis://')} (named by OMS_TEST_REDIS_URL)" in output
    assert "PostgreSQL: " in output
    assert "RabbitMQ: " in output


def test_a_missing_server_is_skipped_aloud_on_a_laptop(start_pytest: Pytest, tmp_path: Path) -> None:
    status, output = ended(start_pytest(USES_REDIS, **without_programs(tmp_path)))
    assert status == 0, output
    assert "NOT TESTED WITH Redis: OMS_TEST_PRIVATE_SERVERS is set; redis-server is not installed" in output
    assert "1 skipped" in output


def test_a_missing_server_fails_where_ci_is_true(start_pytest: Pytest, tmp_path: Path) -> None:
    status, output = ended(start_pytest(USES_REDIS, CI="true", **without_programs(tmp_path)))
    assert status == 1, output
    assert "NOT TESTED WITH Redis" in output


def test_a_named_server_that_does_not_answer_stops_the_run(start_pytest: Pytest) -> None:
    status, output = ended(start_pytest(USES_REDIS, OMS_TEST_REDIS_URL="redis://127.0.0.1:1"))
    assert status == pytest.ExitCode.USAGE_ERROR, output
    assert "OMS_TEST_REDIS_URL names a server that cannot be used" in output
