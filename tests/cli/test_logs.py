"""How a line of the log looks."""

from __future__ import annotations

import json
import logging

from oms_cli.processes.logs import JsonLines, TextLines

RECORD = logging.LogRecord("oms_cli.commands.serve", logging.INFO, "f", 1, "ready", (), None)
RECORD.created = 1_795_381_200.5


def test_a_time_in_a_text_log_says_its_offset() -> None:
    assert TextLines().format(RECORD).startswith("2026-11-22 21:00:00.500+00:00 INFO oms_cli.commands.serve [")


def test_a_time_in_a_json_log_is_rfc_3339() -> None:
    assert json.loads(JsonLines().format(RECORD))["time"] == "2026-11-22T21:00:00.500+00:00"
