"""Requests as bytes, some of them broken as HTTP, to the running service."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.sockets import send_raw


def test_bytes_that_are_nearly_http_find_nothing_wrong(tmp_path: Path) -> None:
    tally = send_raw(tmp_path, seed="house", requests=60)
    assert not tally.failures, tally.failures[:5]
    assert tally.outcomes["2xx"] > 5
    assert tally.outcomes["4xx"] > 10
