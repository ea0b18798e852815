"""Logs of the service on stderr: text for people, one JSON object a line for collectors."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from oms_cli.terminal.masking import redact
from oms_cli.terminal.messages import hide_secrets_in_tracebacks
from oms_core.settings import Settings


def configure_logging(settings: Settings) -> None:
    """Send every log record of this process to stderr, in the format and from the level that the settings name.

    Whatever looks like a secret is masked in all of them, and in the traceback of a defect that ends a thread.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # Eight lines for each failed connection; ours is one.
    logging.getLogger("peewee").setLevel(max(root.level, logging.INFO))  # At debug it logs every statement's values.
    hide_secrets_in_tracebacks()


class TextLines(logging.Formatter):
    """`2026-11-22 21:00:00.123+00:00 INFO oms_cli.commands.serve [4711] ready on ...`, and a traceback below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(process)d] %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """Return the record's time in UTC to the millisecond, with its offset."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(sep=" ", timespec="milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text, its traceback included, without secrets."""
        return redact(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, process, message, and `traceback` where one is."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON, without a line break in it."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry)
