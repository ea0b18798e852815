"""Whoever logs an error and goes on logs the traceback of a defect: nobody else is told of it."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house.sources import committed_files, text_of


def silent_handlers(source: str) -> list[int]:
    """List the lines of handlers of OmsError that log it without the traceback of a defect, and go on."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler) or ast.unparse(node.type or ast.Constant(None)) != "OmsError":
            continue
        body = "\n".join(ast.unparse(each) for each in node.body)
        tells_cause = "exc_info=error.defect" in body or "error.__cause__" in body
        if "_log." in body and "raise" not in body and not tells_cause:
            found.append(node.lineno)
    return found


def test_threads_in_the_background_log_the_traceback_of_a_defect() -> None:
    sources = [
        path for path in committed_files("*.py") if path.parts[:2] in {("oms_core", "runtime"), ("oms_core", "worker")}
    ]
    assert Path("oms_core/worker/worker.py") in sources
    found = {str(path): silent_handlers(text_of(path)) for path in sources}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_one_that_leaves_it_out_would_be_found() -> None:
    source = "try:\n    work()\nexcept OmsError as error:\n    _log.info('%s', error.detail)\n"
    assert silent_handlers(source) == [3]
    assert not silent_handlers(source.replace("detail)", "detail, exc_info=error.defect)"))
