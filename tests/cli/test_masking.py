"""Secrets in whatever is logged or said: masked, and the rest left to be read."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable

import pytest

from oms_cli.processes.logs import JsonLines, TextLines
from oms_cli.terminal.masking import redact
from tests.cli.conftest import Cli

SECRET = "Zm9vYmFyYmF6cXV4cXV1eHF1dXV4-_" + "0" * 12
KEY = f"oms_019ab4c57d30_{SECRET}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"the key {KEY} is wrong", "the key oms_019ab4c57d30_*** is wrong"),
        (f"Authorization: Bearer {KEY}", "Authorization: Bearer ***"),
        (f"authorization: Basic {SECRET}\nHost: x", "authorization: Basic ***\nHost: x"),
        (
            f"{{'HTTP_AUTHORIZATION': 'Bearer {SECRET}', 'PATH': '/'}}",
            "{'HTTP_AUTHORIZATION': 'Bearer ***', 'PATH': '/'}",
        ),
        (f"[('authorization', b'Token {SECRET}')]", None),
        (f"sent bearer {SECRET}, refused", "sent bearer ***, refused"),
        ("no postgresql://oms:s3cret@db/oms today", "no postgresql://oms:***@db/oms today"),
        ("at postgresql://oms:s3cret@a:1,b:2/oms?x=1 now", "at postgresql://oms:***@a:1,b:2/oms?x=1 now"),
        ("amqps://oms:s3%40cret@mq:5671/vhost?x=1", "amqps://oms:***@mq:5671/vhost?x=1"),
        ("redis://:s3cret@cache:6379/0", "redis://:***@cache:6379/0"),
        ("host=db user=oms password=s3cret port=5432", "host=db user=oms password=*** port=5432"),
        ("postgresql:///db?sslpassword=s3cret&sslmode=require", "postgresql:///db?sslpassword=***&sslmode=require"),
        ("oms_core.use_cases.place_order line 12 of oms_http", "oms_core.use_cases.place_order line 12 of oms_http"),
        ("https://host/path?a=b, user@example.com", "https://host/path?a=b, user@example.com"),
    ],
)
def test_a_text_is_shown_without_its_secrets(text: str, shown: str | None) -> None:
    found = redact(text)
    assert SECRET not in found
    assert "s3cret" not in found
    assert shown is None or found == shown


@pytest.mark.parametrize("formatter", [TextLines, JsonLines])
def test_a_log_hides_them_in_messages_arguments_and_tracebacks(formatter: Callable[[], logging.Formatter]) -> None:
    try:
        raise ValueError(f"bad header Authorization: Bearer {KEY}")
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, "f", 1, "%s and %r", (KEY, {"url": f"amqp://a:{SECRET}@b"}), None
        )
        record.exc_info = sys.exc_info()
    text = formatter().format(record)
    assert SECRET not in text
    assert "oms_019ab4c57d30_***" in text
    assert "Traceback" in text
    assert "amqp://a:***@b" in text


def test_masked_json_is_still_json() -> None:
    told = {"detail": f'say "password={SECRET}\\" twice', "header": f'Authorization: Bearer {SECRET}"'}
    assert SECRET not in json.dumps(json.loads(redact(json.dumps(told))))


@pytest.mark.parametrize("where", ["raise error", "threading.Thread(target=fail).start()"])
def test_the_traceback_of_a_defect_hides_them_too(where: str) -> None:
    program = f"""
import threading
from oms_cli.terminal.messages import hide_secrets_in_tracebacks
hide_secrets_in_tracebacks()
error = ValueError("postgresql://oms:{SECRET}@db/oms and {KEY}")
def fail():
    raise error
{where}
"""
    ended = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=False)
    assert "ValueError: postgresql://oms:***@db/oms and oms_019ab4c57d30_***" in ended.stderr
    assert SECRET not in ended.stderr + ended.stdout


@pytest.mark.parametrize("output", ["table", "json"])
def test_an_error_quotes_its_input_without_a_secret(cli: Cli, output: str) -> None:
    ran = cli("inventory", "show", "-o", output, f"{KEY}/x")
    assert ran.code == 4
    assert "***" in ran.err
    assert SECRET not in ran.out + ran.err
