"""What no source file may do: import past the core's border, sleep in a test, grow without a reason, know a machine."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import committed_files, text_of, tree_of

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
# What is longer, as "file" or "file:function", and why splitting it would make it worse.
LONG_FOR_A_REASON: dict[str, str] = {
    "oms_core/errors.py": "the table of errors: seven lines a code",
}

# Waiting for a condition has to pause between two looks; everything else waits through it.
MAY_SLEEP = {Path("tests/services/waiting.py")}

# The brackets keep this file from finding itself.
MACHINE_PATH = re.compile(r"(?<![\w.)}:/-])/(?:[h]ome|[U]sers|[r]oot|[w]ork|[t]mp)/[\w.-]")


def foreign_imports(tree: ast.Module) -> Iterator[str]:
    """List the imports that are neither the standard library's nor the core's own, wherever they stand."""
    ours = {*sys.stdlib_module_names, "oms_core"}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases if alias.name.partition(".")[0] not in ours)
            case ast.ImportFrom(module=str(module), level=0) if module.partition(".")[0] not in ours:
                yield module


def sleeps(tree: ast.Module) -> Iterator[int]:
    """List the lines that call time.sleep, under whatever name it was imported."""
    modules, functions = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name for alias in node.names if alias.name == "time"}
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            functions |= {alias.asname or alias.name for alias in node.names if alias.name == "sleep"}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in functions:
                yield node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="sleep")) if name in modules:
                yield node.lineno


def stamped_archives(tree: ast.Module) -> Iterator[int]:
    """List the lines that compress with gzip, which writes the time into what it gives, without saying which time."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="gzip"), attr="compress"), keywords=keywords):
                if not any(keyword.arg == "mtime" for keyword in keywords):
                    yield node.lineno


def long_parts(name: str, source: str) -> Iterator[tuple[str, int]]:
    """List a file and its functions that are over the bounds, with their lines."""
    lines = len(source.splitlines())
    if lines > FILE_LINES_MAX:
        yield name, lines
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{name}:{node.name}", lines


def test_the_core_imports_only_the_standard_library() -> None:
    found = {str(path): list(foreign_imports(tree_of(path))) for path in committed_files("oms_core/*.py")}
    assert found
    assert not {path: names for path, names in found.items() if names}


@pytest.mark.parametrize("source", ["import peewee", "from flask import g", "def f():\n  import oms_http.x"])
def test_a_foreign_import_would_be_found(source: str) -> None:
    assert list(foreign_imports(ast.parse(source)))


@pytest.mark.parametrize("source", ["import json, oms_core.errors", "from .domain import x", "from . import y"])
def test_imports_of_the_core_and_the_standard_library_are_fine(source: str) -> None:
    assert not list(foreign_imports(ast.parse(source)))


def test_no_test_sleeps() -> None:
    paths = [path for path in committed_files("tests/*.py", "adapters/oms_contracts/*.py") if path not in MAY_SLEEP]
    assert len(paths) > 1
    found = {str(path): list(sleeps(tree_of(path))) for path in paths}
    assert not {path: lines for path, lines in found.items() if lines}


@pytest.mark.parametrize(
    "source", ["import time\ntime.sleep(1)", "import time as t\nt.sleep(1)", "from time import sleep as s\ns(1)"]
)
def test_a_sleep_would_be_found(source: str) -> None:
    assert list(sleeps(ast.parse(source))) == [2]


def test_no_test_is_named_by_the_time() -> None:
    """pytest-xdist runs nothing when two processes name one test by two bytes, as they do a second apart."""
    found = {str(path): list(stamped_archives(tree_of(path))) for path in committed_files("tests/*.py")}
    assert not {path: lines for path, lines in found.items() if lines}
    assert list(stamped_archives(ast.parse("import gzip\ngzip.compress(b'')"))) == [2]


def test_files_and_functions_are_short_or_listed_with_a_reason() -> None:
    long = dict(part for path in committed_files("*.py") for part in long_parts(str(path), text_of(path)))
    assert not {name: lines for name, lines in long.items() if name not in LONG_FOR_A_REASON}
    assert not [name for name in LONG_FOR_A_REASON if name not in long], "listed, and short by now"
    assert all(LONG_FOR_A_REASON.values())


def test_a_long_file_and_a_long_function_would_be_found() -> None:
    function = "def long():\n" + "    pass\n" * FUNCTION_LINES_MAX
    assert list(long_parts("x.py", function)) == [("x.py:long", 41)]
    assert list(long_parts("x.py", "pass\n" * 301)) == [("x.py", 301)]
    assert not list(long_parts("x.py", "pass\n" * 300))


def test_no_file_knows_the_path_of_somebodys_machine() -> None:
    found = {str(path): MACHINE_PATH.findall(text_of(path)) for path in committed_files()}
    assert not {path: matches for path, matches in found.items() if matches}


@pytest.mark.parametrize("folder", ["home/ann", "Users/ann", "root/oms", "work/main", "tmp/x"])
def test_the_path_of_a_machine_would_be_found(folder: str) -> None:
    assert MACHINE_PATH.search(f"cd /{folder} && make")


@pytest.mark.parametrize("text", ["../work/x", "https://host/home/x", "${HOME}/tmp/x", "tests/tmp/x"])
def test_relative_paths_and_addresses_are_fine(text: str) -> None:
    assert not MACHINE_PATH.search(text)
